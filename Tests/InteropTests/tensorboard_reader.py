"""Prints the curves that TensorBoard's own reader finds in a directory: tag, step and value, sorted.

    python tensorboard_reader.py LOG_DIR
"""

import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator


def main():
    accumulator = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0})
    accumulator.Reload()
    for tag in sorted(accumulator.Tags()["scalars"]):
        for event in accumulator.Scalars(tag):
            print(tag, event.step, f"{event.value:.7g}")


if __name__ == "__main__":
    main()
