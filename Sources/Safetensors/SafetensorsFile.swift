import JSON
import Storage

/// A safetensors file, mapped into memory: a tensor's bytes are read from disk when they are first touched.
///
/// Everything the header says is checked when the file is opened.
///
/// Source: <https://github.com/huggingface/safetensors>, "Format".
public final class SafetensorsFile: Sendable {
    /// The path of the file.
    public let path: String

    /// The tensors, in the order of their bytes in the file.
    public let tensors: [TensorInfo]

    /// The texts that the writer added, such as `"format": "pt"`.
    public let metadata: [String: String]

    private let file: MappedFile
    private let dataStart: Int
    private let positions: [TensorName: Int]

    /// Opens a file.
    ///
    /// - Parameter location: the file.
    /// - Throws: ``SafetensorsError``, which names the file and the tensor at fault; `FileError` if there is
    ///   no such file.
    public init(contentsOf location: some FileLocation) throws {
        path = location.filePath
        file = try MappedFile(location)
        let header = try SafetensorsHeader(file.bytes, path: path)
        tensors = header.tensors
        metadata = header.metadata
        dataStart = header.dataStart
        var positions: [TensorName: Int] = [:]
        for (position, tensor) in tensors.enumerated() { positions[TensorName(tensor.name)] = position }
        self.positions = positions
    }

    /// Returns the header's entry for a tensor, or `nil` if there is no tensor of that name.
    public func info(_ name: String) -> TensorInfo? {
        positions[TensorName(name)].map { tensors[$0] }
    }

    /// The bytes of a tensor, little-endian and in row-major order.
    ///
    /// - Returns: memory that is valid while this object lives. It need not be aligned to the element's size:
    ///   copy it or load from it unaligned.
    /// - Throws: ``SafetensorsError`` if there is no tensor of that name.
    public func bytes(of name: String) throws -> UnsafeRawBufferPointer {
        guard let info = info(name) else {
            throw SafetensorsError(path, tensor: name, "is not in this file")
        }
        let range = (dataStart + info.byteRange.lowerBound)..<(dataStart + info.byteRange.upperBound)
        return UnsafeRawBufferPointer(rebasing: file.bytes[range])
    }

    /// Calls a body with the bytes of a tensor, during which the file stays mapped, whoever else holds this object.
    ///
    /// - Throws: As ``bytes(of:)``, and what the body throws.
    public func withBytes<Result>(
        of name: String, _ body: (UnsafeRawBufferPointer) throws -> Result
    ) throws -> Result {
        try withExtendedLifetime(self) { try body(bytes(of: name)) }
    }

    /// Gives back the memory of what has been read; see ``SafetensorsCheckpoint/releasePages()``.
    func releasePages() { file.release() }
}
