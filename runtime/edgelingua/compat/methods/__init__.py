"""What stands behind each method of `PromptCompressor`: compressors of ours.

Budgets hold exactly and count the whole output; forced text is really kept; every part of a prompt
keeps the rate its tag gives, whatever the method; nothing is rebuilt by detokenizing.
"""
