"""The nets that the course is about: activations, initializations, multilayer perceptrons, residual nets, transformers, recurrent cells."""
