import Files
import Foundation
import JSON
import SwiftProtobuf

/// A Core ML package, `model.mlpackage`: a manifest, the model's specification, and the file of its constants.
enum CoreMLPackage {
    static let name = "model.mlpackage"
    static let weightsName = "weight.bin"
    /// The folder of Core ML's items in the package's data.
    private static let items = "com.apple.CoreML"

    /// Writes a package.
    ///
    /// - Parameters:
    ///   - model: The specification.
    ///   - blobs: The constants.
    ///   - directory: The directory to write it into.
    /// - Throws: `FileError` where it cannot be written; any error of reading the tensors.
    static func write(_ model: CoreML_Model, _ blobs: BlobFile, to directory: URL) throws {
        let package = directory.appending(path: name)
        let data = package.appending(path: "Data/\(items)")
        try FileManager.default.createDirectory(
            at: data.appending(path: "weights"), withIntermediateDirectories: true)
        try blobs.write(to: data.appending(path: "weights/\(weightsName)"))
        var options = BinaryEncodingOptions()
        options.useDeterministicOrdering = true
        let bytes: [UInt8] = try model.serializedBytes(options: options)
        try AtomicFile.write(to: data.appending(path: "model.mlmodel")) { try $0.write(bytes) }
        let manifest = manifest().serialized(pretty: true, sortedKeys: true)
        try AtomicFile.write(manifest + "\n", to: package.appending(path: "Manifest.json"))
    }

    /// The identifiers are within the package alone, so they can be the same in all.
    private static func manifest() -> JSONValue {
        let (model, weights) = (
            "3F1D6A5C-2B0E-4C57-9E43-6A1B8D0F7C21", "8C94E7B2-71D5-4F0A-8B36-D25E0A9F4C68"
        )
        func item(_ name: String, _ description: String) -> JSONValue {
            [
                "author": .string(items), "description": .string(description), "name": .string(name),
                "path": .string("\(items)/\(name)"),
            ]
        }
        return [
            "fileFormatVersion": "1.0.0", "rootModelIdentifier": .string(model),
            "itemInfoEntries": .object([
                model: item("model.mlmodel", "CoreML Model Specification"),
                weights: item("weights", "CoreML Model Weights"),
            ]),
        ]
    }
}
