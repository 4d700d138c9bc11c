import Foundation

/// A checkpoint is of another run than the one that is to go on from it.
public struct ResumeError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The directory of the checkpoint, or of the model that the run had saved.
    public let checkpoint: URL
    /// What is different, each as the end of a sentence.
    public let differences: [String]

    init(_ checkpoint: URL, _ differences: [String]) {
        (self.checkpoint, self.differences) = (checkpoint, differences)
    }

    public var description: String {
        "\(checkpoint.path): is of another run, which would not go on with the same results: "
            + differences.joined(separator: "; ")
            + ". Use its settings and files, or pass --overwrite without --resume to start anew"
    }
}
