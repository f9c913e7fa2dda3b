"""A trained game outside of its run: as files, or over HTTP.

endpoints      what it answers, call by call
exporting      a run written as a SavedModel
exports        SavedModels on the disk, read by TensorFlow alone
converting     an export as LiteRT and ONNX
sample_writer  any number of samples to files
server         an export over HTTP, with the page in `pages/`
rest_format    its requests and responses: TensorFlow Serving's
batching       rows of many requests in one call
"""
