"""From scores to text within a budget: units, what guards them, and the best fit."""
