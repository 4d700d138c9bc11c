import DistillRuntime
import Files
import Foundation
import Tokenizers
import Transformers

/// The number of tokens of a text that a model reads: this is the only code that decides it.
package enum TextLength {
    /// The length that is asked for, else the one that the model was trained with, else the tokenizer's
    /// `model_max_length`, else as many tokens as the model has positions for; never more than these.
    ///
    /// - Parameters:
    ///   - wanted: What is asked for.
    ///   - directory: The model's.
    ///   - positions: As many tokens as the model has positions for; `nil` where that is not known.
    package static func tokens(
        wanted: Int?, in directory: URL, tokenizer: Tokenizer?, positions: Int?
    ) -> Int {
        let length = wanted ?? trained(in: directory) ?? tokenizer?.modelMaxLength
        return min(length ?? positions ?? 512, positions ?? .max)
    }

    /// The same for a model; a language model, whose positions are more than a training can read, reads 1024 by default.
    package static func tokens(
        of configuration: ModelConfiguration, wanted: Int?, in directory: URL, tokenizer: Tokenizer?
    ) -> Int {
        // A table for embeddings reads all of a text, as the programs do that open it.
        if configuration.isTable, configuration.task.embedsTexts {
            return min(wanted ?? configuration.maxLength, configuration.maxLength)
        }
        guard configuration.task.predictsTokens else {
            return tokens(
                wanted: wanted ?? configuration.embedding?.maxLength, in: directory, tokenizer: tokenizer,
                positions: configuration.maxLength)
        }
        let length = wanted ?? trained(in: directory) ?? LanguageModelText.defaultLength
        return min(length, configuration.maxLength)
    }

    /// The length that a model was trained with, as far as the records of its directory say.
    package static func trained(in directory: URL) -> Int? {
        (try? TrainedLength.tokens(in: directory.path(percentEncoded: false))) ?? nil
    }

    /// The note that a model has no positions for what is asked for; `nil` where it has.
    static func positionsNote(_ wanted: Int?, _ configuration: ModelConfiguration) -> String? {
        guard let wanted, wanted > configuration.maxLength else { return nil }
        return
            "The model has \(configuration.maxLength) positions, so texts are cut there, not at --max-length \(wanted)."
    }

    /// - Throws: ``DistillationError`` for a length that has no room for a token of text.
    package static func validate(_ wanted: Int?) throws {
        guard let wanted, wanted < 3 else { return }
        throw DistillationError(
            "max_length must be at least 3 (two special tokens and one of text), got \(wanted)")
    }

    /// The warning about texts that are cut; `nil` where none is.
    static func warning(cut: Int, of count: Int, in source: String, tokens: Int) -> String? {
        guard cut > 0 else { return nil }
        return
            "\(source): \(cut) of \(count) texts \(cut == 1 ? "is" : "are") longer than \(tokens) tokens and cut there; "
            + "a larger --max-length keeps more of them, as far as the model has positions"
    }
}
