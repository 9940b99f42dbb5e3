"""What in a data set fools a model: `mmskin audit`."""
