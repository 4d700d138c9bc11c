import Storage

/// A file that predictions are written to, in the form that its name says.
package struct PredictionFile: Sendable, Equatable {
    /// The form of a file.
    package enum Format: Sendable, Equatable {
        /// A line of JSON for each text.
        case lines
        /// Vectors alone.
        case vectors(VectorFormat)
    }

    package let path: String
    package let format: Format

    /// - Parameter path: A name that ends with .jsonl, .npy or .safetensors.
    /// - Throws: ``RuntimeError`` for another name.
    package init(_ path: String) throws {
        self.path = path
        let name = path.lowercased()
        if name.hasSuffix(".jsonl") {
            format = .lines
        } else if let vectors = VectorFormat.allCases.first(where: { name.hasSuffix("." + $0.rawValue) }) {
            format = .vectors(vectors)
        } else {
            throw RuntimeError(
                "--output \(path): the name says the form: .jsonl for lines of JSON, .npy or .safetensors for vectors"
            )
        }
    }

    /// Why a model's predictions do not fit into this file, in a line; `nil` where they do.
    ///
    /// - Parameters:
    ///   - width: The width of the model's vectors; `nil` where it gives none.
    ///   - model: The model's name.
    package func refusal(vectorWidth width: Int?, model: String) -> String? {
        guard case .vectors = format, width == nil else { return nil }
        return
            "--output \(path): a file of vectors is for models of embeddings, which \(model) is not; name a .jsonl file"
    }
}

/// A file format of vectors.
package enum VectorFormat: String, Sendable, CaseIterable {
    /// numpy's, version 1.0: float32 in C order, of shape (N, d).
    case npy
    /// Hugging Face's: one tensor `embeddings` of shape (N, d), F32.
    case safetensors

    /// The bytes before the numbers, always as many, so that they can be written before N is known.
    ///
    /// - Parameters:
    ///   - rows: N.
    ///   - width: d.
    func header(rows: Int, width: Int) -> [UInt8] {
        switch self {
        case .npy:
            let fields = "{'descr': '<f4', 'fortran_order': False, 'shape': (\(rows), \(width)), }"
            let text = Self.padded(fields, to: 117) + "\n"
            return [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(text.utf8.count), 0] + Array(text.utf8)
        case .safetensors:
            let fields =
                #"{"__metadata__":{"format":"pt"},"embeddings":{"dtype":"F32","shape":[\#(rows),\#(width)],"#
                + #""data_offsets":[0,\#(rows * width * 4)]}}"#
            let text = Self.padded(fields, to: 184)
            return withUnsafeBytes(of: UInt64(text.utf8.count).littleEndian) { Array($0) } + Array(text.utf8)
        }
    }

    private static func padded(_ text: String, to count: Int) -> String {
        text + String(repeating: " ", count: max(0, count - text.utf8.count))
    }
}
