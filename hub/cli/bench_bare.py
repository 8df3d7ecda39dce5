"""llama-cpp-python by itself, for comparison: `python -m hub.cli.bench_bare MODEL THREADS TOKENS` prints tokens/s."""

import sys
import time

TRIES = 3
PROMPT = "Tell me a long story about a train.\n"


def main(path: str, threads: str, tokens: str) -> None:
    """Have the model write, and print the best rate of three tries, from the first token on."""
    from llama_cpp import Llama  # noqa: PLC0415 - only this process needs it

    count = int(threads)
    model = Llama(path, n_ctx=2048, n_threads=count, n_threads_batch=count, verbose=False)
    rates = []
    for _ in range(TRIES):
        times = []
        for _piece in model.create_completion(PROMPT, max_tokens=int(tokens), temperature=0.0, stream=True):
            times.append(time.perf_counter())  # noqa: PERF401 - each one's own time
        # The last event only says why it ended.
        rates.append((len(times) - 2) / (times[-2] - times[0]))
    print(max(rates), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
