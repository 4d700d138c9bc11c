import Datasets
import Foundation
import Tokenizers

/// Changes training texts anew in each epoch, so that the teacher labels more texts than there are: words are
/// masked or left out at random, as in Tang et al., "Distilling Task-Specific Knowledge from BERT into Simple Neural
/// Networks" (arXiv 1903.12136, section 3.3).
///
/// Whole words are changed, on token ids. The changed texts' teacher outputs are computed with the student's step; the
/// cache neither gives nor takes them.
public struct Augmentation: Sendable, Equatable, Codable {
    /// The fraction of words that become the mask token.
    public var maskProbability: Double
    /// The fraction of words that are left out.
    public var wordDropout: Double
    /// The fraction of examples that are changed; the others stay as they are.
    public var share: Double

    /// - Throws: ``DistillationError`` where a setting is out of its range, or nothing would be changed.
    public init(maskProbability: Double = 0, wordDropout: Double = 0, share: Double = 1) throws {
        self.maskProbability = maskProbability
        self.wordDropout = wordDropout
        self.share = share
        for (name, value) in [
            ("mask_probability", maskProbability), ("word_dropout", wordDropout),
            ("augmentation_share", share),
        ] {
            guard (0...1).contains(value) else {
                throw DistillationError("\(name) must be from 0 to 1, got \(value)")
            }
        }
        guard maskProbability + wordDropout > 0, maskProbability + wordDropout < 1, share > 0 else {
            throw DistillationError(
                "mask_probability and word_dropout must together be above 0 and below 1, and augmentation_share "
                    + "above 0; got \(maskProbability), \(wordDropout) and \(share)")
        }
    }

    /// The words of a tokenizer, as far as augmentation needs them.
    struct Vocabulary: Sendable {
        /// By token id: true if it continues the word before it.
        let isContinuation: [Bool]
        /// Special tokens, which are never changed.
        let special: Set<Int32>
        let mask: Int32?

        init(_ tokenizer: Tokenizer) {
            isContinuation = (0...max(0, tokenizer.largestTokenID)).map {
                tokenizer.idToToken($0)?.hasPrefix("##") ?? false
            }
            mask = tokenizer.maskTokenID
            special = Set(
                [
                    tokenizer.padTokenID, tokenizer.clsTokenID, tokenizer.sepTokenID, tokenizer.maskTokenID,
                ].compactMap(\.self))
        }
    }

    /// This augmentation with a model's tokens: set before training, as it reads the tokenizer.
    var vocabulary: Vocabulary?

    private enum CodingKeys: CodingKey { case maskProbability, wordDropout, share }

    public static func == (a: Augmentation, b: Augmentation) -> Bool {
        (a.maskProbability, a.wordDropout, a.share) == (b.maskProbability, b.wordDropout, b.share)
    }

    /// With the tokens of the tokenizer whose ids it changes.
    ///
    /// - Throws: ``DistillationError`` where words are to be masked and the tokenizer has no mask token.
    func with(_ tokenizer: Tokenizer) throws -> Augmentation {
        guard maskProbability == 0 || tokenizer.maskTokenID != nil else {
            throw DistillationError(
                "mask_probability is \(maskProbability), but the tokenizer has no mask token; use word_dropout"
            )
        }
        var result = self
        result.vocabulary = Vocabulary(tokenizer)
        return result
    }

    /// With what decides an epoch's changes.
    func seeded(_ seed: UInt64, epoch: Int) -> Seeded {
        var generator = SeededGenerator(seed: seed ^ 0xA076_1D64_78BD_642F)
        return Seeded(
            augmentation: self,
            seed: generator.next() ^ UInt64(truncatingIfNeeded: epoch) &* 0xE703_7ED1_A0B4_28DB)
    }

    /// The changes of one epoch: a function of the seed, the epoch and the example alone.
    struct Seeded: Sendable {
        let augmentation: Augmentation
        let seed: UInt64

        /// Changes an example.
        ///
        /// - Parameters:
        ///   - example: Its tokens.
        ///   - index: Its index in the data.
        /// - Returns: True if anything changed.
        func apply(to example: inout EncodedExample, index: Int) -> Bool {
            guard let vocabulary = augmentation.vocabulary else { return false }
            var generator = SeededGenerator(
                seed: seed ^ UInt64(truncatingIfNeeded: index) &* 0x8EBC_6AF0_9C88_C6E3)
            func uniform() -> Double { Double(generator.next() >> 11) * 0x1p-53 }
            guard uniform() < augmentation.share else { return false }
            var changed = EncodedExample()
            var position = 0
            var (isChanged, kept) = (false, 0)
            while position < example.inputIDs.count {
                let start = position
                let isWord = !vocabulary.special.contains(example.inputIDs[start])
                position += 1
                while isWord, position < example.inputIDs.count,
                    vocabulary.isContinuation[Int(example.inputIDs[position])]
                {
                    position += 1
                }
                let draw = isWord ? uniform() : 1
                if draw < augmentation.wordDropout {
                    isChanged = true
                    continue
                }
                kept += isWord ? 1 : 0
                let isMasked = draw < augmentation.wordDropout + augmentation.maskProbability
                if isMasked, let mask = vocabulary.mask {
                    isChanged = true
                    changed.inputIDs.append(mask)
                    changed.tokenTypeIDs.append(example.tokenTypeIDs[start])
                } else {
                    changed.inputIDs += example.inputIDs[start..<position]
                    changed.tokenTypeIDs += example.tokenTypeIDs[start..<position]
                }
            }
            // A text without any word is left unchanged.
            guard isChanged, kept > 0 else { return false }
            example = changed
            return true
        }
    }
}
