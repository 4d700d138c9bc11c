import Files
import Foundation
import Tokenizers
import Transformers

/// The room that an output takes on its disk.
package enum OutputSpace {
    /// The bytes that a run writes besides weights and tokenizer: card, record, history, page.
    private static let rest = 32_000

    /// Returns the reason why an output will not fit; `nil` where it will, or the system does not say.
    ///
    /// - Parameters:
    ///   - url: The directory that is to be written.
    ///   - bytes: The number of bytes to save.
    ///   - isRepeated: True if a save replaces an earlier one: for a moment there are both.
    ///   - overwrite: True if the present contents are removed with the first save.
    package static func problem(at url: URL, bytes: Int, isRepeated: Bool, overwrite: Bool) -> String? {
        guard let free = FreeSpace.bytes(at: url) else { return nil }
        let present = overwrite ? Leftovers.size(of: url.resolvingSymlinksInPath()) : 0
        let most = isRepeated ? 2 * bytes : bytes
        guard free < bytes || free + present < most else { return nil }
        let twice = isRepeated ? " (\(text(most)) while a save replaces the one before)" : ""
        return
            "\(url.path): the model will take \(text(bytes))\(twice), but its disk has \(text(free)) free; free some, or "
            + "name another --output"
    }

    /// Returns the bytes that a model in float32 with its tokenizer takes.
    static func bytes(of model: TransformerModel, tokenizerDirectory: URL) -> Int {
        model.parameters.elementCount * 4 + tokenizerBytes(tokenizerDirectory) + rest
    }

    package static func tokenizerBytes(_ directory: URL) -> Int {
        Tokenizer.fileNames.reduce(0) {
            $0 + Leftovers.size(of: directory.appending(path: $1).resolvingSymlinksInPath())
        }
    }

    private static func text(_ bytes: Int) -> String {
        bytes >= 1_000_000_000
            ? String(format: "%.1f GB", Double(bytes) / 1e9)
            : bytes >= 1_000_000
                ? String(format: "%.1f MB", Double(bytes) / 1e6)
                : String(format: "%.0f kB", Double(bytes) / 1e3)
    }
}
