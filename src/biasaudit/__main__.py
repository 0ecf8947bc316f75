"""`python -m biasaudit`."""

from biasaudit.cli import main

if __name__ == "__main__":
    main()
