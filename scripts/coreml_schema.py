"""Writes what protoc would hand to protoc-gen-swift: the messages of Core ML's specification that are used here.

    python coreml_schema.py OUTPUT

The descriptors are those of the installed package coremltools, which brings no .proto files. Messages and fields that are not
listed are left out; the others keep their numbers, so that files are the same. Prints the version of coremltools.
"""

import sys

from google.protobuf import descriptor_pb2
from google.protobuf.compiler import plugin_pb2

from coremltools import __version__
from coremltools.proto import FeatureTypes_pb2, MIL_pb2, Model_pb2

# The messages, and the fields that are used; None for all.
USED = {
    Model_pb2: {
        "FeatureDescription": None, "Metadata": None,
        "ModelDescription": ["metadata", "input", "output", "predictedFeatureName", "predictedProbabilitiesName"],
        "Model": ["specificationVersion", "description", "mlProgram"],
    },
    FeatureTypes_pb2: {
        "StringFeatureType": None, "Int64FeatureType": None, "SizeRange": None,
        "ArrayFeatureType": ["shape", "dataType", "shapeRange"],
        "ArrayFeatureType.ShapeRange": None,
        "DictionaryFeatureType": ["stringKeyType"],
        "FeatureType": ["stringType", "multiArrayType", "dictionaryType"],
    },
    MIL_pb2: {
        "Program": ["version", "functions"], "Function": ["inputs", "opset", "block_specializations"],
        "Block": ["outputs", "operations"], "Argument": None, "Argument.Binding": None,
        "Operation": ["type", "inputs", "outputs", "attributes"], "NamedValueType": None,
        "ValueType": ["tensorType", "listType", "dictionaryType"], "TensorType": ["dataType", "rank", "dimensions"],
        "ListType": None, "DictionaryType": None, "Dimension": None, "Dimension.ConstantDimension": None,
        "Dimension.UnknownDimension": None, "Value": ["type", "immediateValue", "blobFileValue"],
        "Value.ImmediateValue": ["tensor", "list"], "Value.BlobFileValue": None,
        "TensorValue": ["floats", "ints", "bools", "strings", "bytes"], "TensorValue.RepeatedFloats": None,
        "TensorValue.RepeatedInts": None, "TensorValue.RepeatedBools": None, "TensorValue.RepeatedStrings": None,
        "TensorValue.RepeatedBytes": None, "ListValue": None,
    },
}


def replace(repeated, messages):
    """Gives a repeated field some of its own messages."""
    kept = [type(message).FromString(message.SerializeToString()) for message in messages]
    del repeated[:]
    repeated.extend(kept)


def trimmed(messages, used, path=""):
    kept = []
    for message in messages:
        name = path + message.name
        is_map = message.options.map_entry
        if name not in used and not is_map:
            continue
        for field in message.field:
            # As protoc fills it in.
            first, *rest = field.name.split("_")
            field.json_name = first + "".join(part[:1].upper() + part[1:] for part in rest)
        fields = used.get(name)
        if fields is not None:
            missing = set(fields) - {field.name for field in message.field}
            if missing:
                sys.exit(f"{name} has no fields {sorted(missing)}")
            own = [field for field in message.field if field.name in fields]
            # A oneof without fields is none.
            oneofs = sorted({field.oneof_index for field in own if field.HasField("oneof_index")})
            for field in own:
                if field.HasField("oneof_index"):
                    field.oneof_index = oneofs.index(field.oneof_index)
            declared = [message.oneof_decl[i].name for i in oneofs]
            replace(message.field, own)
            del message.oneof_decl[:]
            for oneof in declared:
                message.oneof_decl.add(name=oneof)
        entries = {field.type_name.rsplit(".", 1)[-1] for field in message.field}
        nested = trimmed(message.nested_type, used, name + ".")
        replace(message.nested_type, [n for n in nested if not n.options.map_entry or n.name in entries])
        del message.reserved_range[:]
        kept.append(message)
    return kept


def main():
    files = []
    for module, used in USED.items():
        file = descriptor_pb2.FileDescriptorProto()
        module.DESCRIPTOR.CopyToProto(file)
        replace(file.message_type, trimmed(file.message_type, used))
        missing = {name for name in used if "." not in name} - {message.name for message in file.message_type}
        if missing:
            sys.exit(f"{file.name} has no messages {sorted(missing)}")
        replace(file.enum_type, [enum for enum in file.enum_type if enum.name == "DataType"])
        del file.dependency[:]
        del file.public_dependency[:]
        file.options.swift_prefix = "MIL_" if module is MIL_pb2 else "CoreML_"
        files.append(file)
    # The last imports the others.
    files.sort(key=lambda file: file.name == "Model.proto")
    files[-1].dependency.extend(file.name for file in files[:-1])
    request = plugin_pb2.CodeGeneratorRequest(parameter="Visibility=Internal,FileNaming=DropPath", proto_file=files)
    request.file_to_generate.extend(file.name for file in files)
    with open(sys.argv[1], "wb") as output:
        output.write(request.SerializeToString())
    print(__version__)


if __name__ == "__main__":
    main()
