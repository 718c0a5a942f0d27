"""What theory predicts for random nets: mean fields, maps of their fate, and gradients through time."""
