"""llama-server by itself, for comparison: `python -m hub.cli.bench_rival MODEL THREADS CONTEXT SLOTS` prints its URL.

It comes in the package xllamacpp, whose wheel holds it; nothing else of AgentHost needs that.
"""

import sys
import threading


def main(path: str, threads: str, context: str, slots: str) -> None:
    """Serve until killed, with so many chats at once, and all that speeds it up switched on."""
    from xllamacpp import CommonParams, Server  # noqa: PLC0415 - only this process needs it

    params = CommonParams()
    params.model.path = path
    params.port = 0
    params.n_ctx = int(context)
    params.n_parallel = int(slots)
    params.kv_unified = True
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = int(threads)
    params.verbosity = 0
    server = Server(params)
    print(server.listening_address, flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
