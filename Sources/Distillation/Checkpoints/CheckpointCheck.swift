import Foundation

/// Reads checkpoints without using them.
package enum CheckpointCheck {
    /// Compares a checkpoint's files with their digests, and reads its description.
    ///
    /// - Throws: ``DistillationError`` that names the file that is damaged, or missing.
    package static func open(_ directory: URL) throws { _ = try Checkpoint.open(directory) }

    /// Reads a checkpoint's description.
    ///
    /// - Throws: `DecodingError` for what is none.
    package static func record(_ file: URL) throws { _ = try CheckpointRecord(json: Data(contentsOf: file)) }
}
