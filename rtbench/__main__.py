"""`python -m rtbench` is the `rtbench` command."""

from rtbench.cli.main import entry

if __name__ == "__main__":
    entry()
