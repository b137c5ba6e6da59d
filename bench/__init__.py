"""The figures, each beside a floor or peer measured in the same run. `python -m bench NAME`; see README.md."""
