// npm's openai against a server: node openai_client.mjs BASE_URL MODEL; says as JSON what came.
import OpenAI from "openai";

const [baseURL, model] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey: "none", maxRetries: 0 });
const asked = {
  model,
  messages: [{ role: "user", content: "Name three colours." }],
  temperature: 0,
  max_tokens: 12,
};
const said = {};

said.models = (await client.models.list()).data.map(({ id }) => id);
said.whole = await client.chat.completions.create(asked);
said.chunks = [];
const streamed = { ...asked, stream: true, stream_options: { include_usage: true } };
for await (const chunk of await client.chat.completions.create(streamed)) said.chunks.push(chunk);
said.final = await client.chat.completions.stream(asked).finalChatCompletion();
said.stopped = await client.chat.completions.create({ ...asked, stop: said.whole.choices[0].message.content.slice(2, 6) });
said.text = await client.completions.create({ model, prompt: "one two three", max_tokens: 4 });

// A tool is called, as a whole and in a stream, and what came of it is told.
const parameters = {
  type: "object",
  properties: { city: { enum: ["Boston", "Paris"] } },
  required: ["city"],
  additionalProperties: false,
};
const tool = { type: "function", function: { name: "get_weather", parameters } };
const weather = [{ role: "user", content: "What is the weather in Paris?" }];
const calling = { ...asked, messages: weather, max_tokens: 60, tools: [tool], tool_choice: "required" };
const { choices: [call] } = await client.chat.completions.create(calling);
said.call = call;
said.streamedCall = (await client.chat.completions.stream(calling).finalChatCompletion()).choices[0];
const output = { role: "tool", tool_call_id: call.message.tool_calls[0].id, content: '{"sky": "clear"}' };
const told = { ...asked, messages: [...weather, call.message, output], tools: [tool], tool_choice: "none" };
said.told = (await client.chat.completions.create(told)).choices[0];

// A client that leaves is one the server can do without.
const long = { ...streamed, max_tokens: 500, messages: [{ role: "user", content: "Tell me a story." }] };
const left = await client.chat.completions.create(long);
for await (const _ of left) break;

said.errors = {};
for (const [name, body] of Object.entries({
  model: { ...asked, model: "gpt-5" },
  role: { ...asked, messages: [{ role: "wizard", content: "Hello" }] },
  long: { ...asked, messages: [{ role: "system", content: "Be brief. ".repeat(500) }, asked.messages[0]] },
  type: { ...asked, temperature: "hot" },
})) {
  try {
    await client.chat.completions.create(body);
  } catch (error) {
    const { status, code, param, type } = error;
    said.errors[name] = { kind: error.constructor.name, status, code, param, type };
  }
}
console.log(JSON.stringify(said));
