// OpenAI's own package for JavaScript, unchanged: what it makes of the hub's answers, as JSON on one line.
const OpenAI = require(`${process.env.MODULES}/openai`).default;
const client = new OpenAI({ baseURL: `${process.env.HUB}/v1`, apiKey: process.env.KEY, maxRetries: 0 });
const model = "default";
const tools = [
  {
    type: "function",
    function: {
      name: "get_weather",
      description: "Tells the weather in a city.",
      parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
    },
  },
];

async function refused(work) {
  try {
    await work();
  } catch (error) {
    return [error.constructor.name, error.status, error.code, error.param];
  }
  return "nothing was refused";
}

async function main() {
  const told = {};
  const messages = [{ role: "user", content: "How warm is it in the French capital?" }];
  const first = await client.chat.completions.create({ model, messages, tools });
  const call = first.choices[0].message.tool_calls[0];
  told.call = [first.choices[0].finish_reason, call.function.name, JSON.parse(call.function.arguments)];
  messages.push(first.choices[0].message, { role: "tool", tool_call_id: call.id, content: "20 degrees" });
  const second = await client.chat.completions.create({ model, messages, tools });
  told.answer = second.choices[0].message.content;
  told.task = first.metadata.task === second.metadata.task;

  const options = { include_usage: true };
  const stream = await client.chat.completions.create({
    model,
    messages: [{ role: "user", content: "Say something." }],
    stream: true,
    stream_options: options,
  });
  told.pieces = 0;
  told.streamed = "";
  for await (const chunk of stream) {
    const text = chunk.choices[0]?.delta?.content ?? "";
    told.pieces += text ? 1 : 0;
    told.streamed += text;
    told.usage = chunk.usage?.total_tokens > 0;
  }

  const made = await client.responses.create({ model, input: "Say more." });
  told.response = [made.status, made.output_text];
  told.read = (await client.responses.retrieve(made.id)).output_text;
  const events = [];
  for await (const event of client.responses.stream({ model, input: "And more.", previous_response_id: made.id })) {
    if (!events.includes(event.type)) events.push(event.type);
  }
  told.events = events;

  told.models = [];
  for await (const each of client.models.list()) told.models.push(each.id);
  told.vector = (await client.embeddings.create({ model: "scripted", input: "abc" })).data[0].embedding.length;

  const nobody = new OpenAI({ baseURL: `${process.env.HUB}/v1`, apiKey: "ah_nobody", maxRetries: 0 });
  told.refused = [
    await refused(() => nobody.models.list()),
    await refused(() => client.chat.completions.create({ model: "gpt-9", messages })),
    await refused(() => client.chat.completions.create({ model, messages, n: 2 })),
  ];
  console.log(JSON.stringify(told));
}

main();
