"""What is wrong with training rows, told before they are trained on."""
