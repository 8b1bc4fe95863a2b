"""What is computed: pools of models in numpy and numba. Imports neither Flink nor the layers above."""
