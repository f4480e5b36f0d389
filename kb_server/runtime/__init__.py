"""The machine: processors, memory, the files of models, logs."""
