"""`correlator`, and `python -m correlator`."""

import gc
import signal


def main() -> None:
    """Run the command. Ctrl-C while its modules are imported ends it as it ends any program: without a traceback."""
    handler = signal.getsignal(signal.SIGINT)
    if handler is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    gc.disable()  # modules make no garbage, and looking for some takes a tenth of their import
    from correlator.cli.imports import lightly  # noqa: PLC0415  as below

    with lightly():
        from correlator.cli.main import main as run  # noqa: PLC0415  click takes 30 ms

    signal.signal(signal.SIGINT, handler)
    run()


if __name__ == "__main__":
    main()
