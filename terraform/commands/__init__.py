"""The commands of the complete deployment: `make up`, `open`, `password`, `dags` and `destroy`."""
