"""/mcp: the hub as an MCP server, for programs whose models want to speak to agents or to call their tools."""
