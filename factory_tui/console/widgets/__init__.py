"""Line-API widgets: views that draw what they are handed and post intents."""
