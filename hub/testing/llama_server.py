"""A real llama-server in a process of its own, by PyPI's xllamacpp: `python -m hub.testing.llama_server MODEL.gguf`.

It prints its address, ending in /v1, once it can be asked, and stops when its standard input is closed.
"""

import argparse
import importlib.util
import sys


def is_here() -> bool:
    """Say whether xllamacpp is installed: it's among the developer's packages."""
    return importlib.util.find_spec("xllamacpp") is not None


def main() -> None:
    """Serve a model."""
    import xllamacpp  # noqa: PLC0415 - only who runs this has it

    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--context", type=int, default=4096, help="of each of the parallel requests")
    parser.add_argument("--parallel", type=int, default=2)
    parser.add_argument("--mmproj", default="", help="a projector's file, that lets it see images")
    parser.add_argument("--embedding", action="store_true")
    asked = parser.parse_args()
    params = xllamacpp.CommonParams()
    params.model.path = asked.model
    if asked.mmproj:
        params.mmproj.path = asked.mmproj
        params.mmproj_use_gpu = False
    params.model_alias = {"small"}
    params.n_ctx = asked.context * asked.parallel
    params.n_parallel = asked.parallel
    params.cpuparams.n_threads = asked.threads
    params.cpuparams_batch.n_threads = asked.threads
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.use_jinja = True
    params.embedding = asked.embedding
    params.ui = False
    server = xllamacpp.Server(params)
    sys.stdout.write(f"{server.listening_address}/v1\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main()
