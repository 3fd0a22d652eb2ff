#!/usr/bin/env python3
"""Writes tests/fixtures/run/report_tensorboard.tfevents with TensorBoard's own protos and record writer.

Made with tensorboard 2.20.0, protobuf 7.36.2. Usage: python3 tests/parity/make_tensorboard_fixture.py
With --read FILE it prints what TensorBoard's own reader finds in a file (for checks by hand).
"""
import pathlib
import sys

from tensorboard.compat.proto import event_pb2, summary_pb2, tensor_pb2, tensor_shape_pb2, types_pb2
from tensorboard.summary.writer.record_writer import RecordWriter

OUT = pathlib.Path(__file__).parents[1] / "fixtures" / "run" / "report_tensorboard.tfevents"


def scalar(tag, step, value, wall_time):
    entry = summary_pb2.Summary.Value(tag=tag, simple_value=value)
    return event_pb2.Event(wall_time=wall_time, step=step, summary=summary_pb2.Summary(value=[entry]))


def text(tag, step, markdown, wall_time):
    shape = tensor_shape_pb2.TensorShapeProto(dim=[tensor_shape_pb2.TensorShapeProto.Dim(size=1)])
    tensor = tensor_pb2.TensorProto(dtype=types_pb2.DT_STRING, tensor_shape=shape, string_val=[markdown.encode()])
    metadata = summary_pb2.SummaryMetadata(
        plugin_data=summary_pb2.SummaryMetadata.PluginData(plugin_name="text"))
    entry = summary_pb2.Summary.Value(tag=tag, tensor=tensor, metadata=metadata)
    return event_pb2.Event(wall_time=wall_time, step=step, summary=summary_pb2.Summary(value=[entry]))


def write():
    with open(OUT, "wb") as file:
        writer = RecordWriter(file)
        events = [event_pb2.Event(wall_time=1700000000.25, file_version="brain.Event:2")]
        events += [scalar("train/loss", 0, 9.125, 1700000001.0)]
        events += [scalar("train/loss", 300, 3.214, 1700000002.5)]
        events += [scalar("valid/loss", 70000000000, float("inf"), 1700000003.0)]
        events += [text("samples", 300, "**To be** 炼丹\n", 1700000003.0)]
        events += [scalar("train/lr", -1, 0.0, 1700000004.0)]
        for event in events:
            writer.write(event.SerializeToString(deterministic=True))
        writer.flush()


def read(path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    found = EventAccumulator(path)
    found.Reload()
    print(found.Tags())
    for tag in found.Tags()["scalars"]:
        print(tag, [(e.step, e.value, e.wall_time) for e in found.Scalars(tag)][:10])
    for tag in found.Tags()["tensors"]:
        for e in found.Tensors(tag):
            print(tag, e.step, e.tensor_proto.string_val or e.tensor_proto.float_val)


if __name__ == "__main__":
    read(sys.argv[2]) if sys.argv[1:2] == ["--read"] else write()
