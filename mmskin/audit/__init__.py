"""What a data set hides: copies of photos. Read by `mmskin audit`."""
