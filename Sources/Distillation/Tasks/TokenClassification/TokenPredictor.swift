import Files
import Foundation
import Tokenizers
import Torch
import Transformers

/// A saved model for token classification, ready to find entities in texts.
///
/// ```swift
/// let predictor = try TokenPredictor(model: URL(filePath: "tagger"), strategy: .simple)
/// for entity in try predictor.predict(["Ada Lovelace lived in London."])[0] { print(entity.label, entity.word) }
/// ```
public final class TokenPredictor {
    /// The tags by their numbers.
    public let labels: [String]
    public let maxLength: Int
    /// The settings of the model's files that are ignored; each a line for the user.
    public let warnings: [String]
    /// Windows that go through the model together; a GPU has room for more.
    public var batchSize: Int
    let model: TransformerModel
    let tokenizer: Tokenizer
    private let precision: Precision
    private let aggregation: EntityAggregation
    private let directory: URL

    /// - Parameters:
    ///   - directory: A model directory in Hugging Face format.
    ///   - strategy: How tokens become entities, as in transformers' pipeline.
    ///   - maxLength: Longer texts are read in windows of this many tokens; `nil` for the length that the model was trained
    ///     with, or the tokenizer's.
    ///   - device: Where the model computes.
    ///   - precision: What it computes with.
    /// - Throws: ``DistillationError`` where the checkpoint is of another task, or has no trained head.
    public init(
        model directory: URL, strategy: EntityAggregation.Strategy = .simple, maxLength: Int? = nil,
        device: Device = .cpu, precision: Precision = .float32
    ) throws {
        let loaded = try LoadedModel(directory, device: device)
        guard loaded.model.configuration.task.definition.labelsWords else {
            throw DistillationError(
                "\(directory.path): is a model for \(loaded.model.configuration.task.rawValue), not for token classification"
            )
        }
        self.directory = directory
        model = loaded.model
        tokenizer = loaded.tokenizer
        labels = loaded.labels.names
        warnings = loaded.warnings
        self.maxLength = loaded.maxLength(maxLength)
        self.precision = precision
        batchSize = device.kind == .cuda ? 256 : 32
        aggregation = EntityAggregation(strategy: strategy, labels: labels)
    }

    /// Returns true if a model directory holds a model for token classification.
    ///
    /// - Throws: `TransformersError` where it holds none that can be read.
    public static func isFor(_ directory: URL) throws -> Bool {
        try ModelConfiguration(contentsOf: directory).task.definition.labelsWords
    }

    /// The entities of each text, in order.
    ///
    /// - Throws: `TokenizerError` where a text cannot be encoded; `TorchError`.
    public func predict(_ texts: [String]) throws -> [[EntityAggregation.Entity]] {
        let encodings = try texts.enumerated().map { index, text in
            try tokenizer.encodeWithOffsets(text)
        }
        let windows = encodings.enumerated().flatMap { text, encoding in
            TokenWindow.windows(of: encoding, maxLength: maxLength).map { (text: text, window: $0) }
        }
        var logits = encodings.map { [Float](repeating: 0, count: $0.count * labels.count) }
        for start in stride(from: 0, to: windows.count, by: batchSize) {
            let batch = windows[start..<min(start + batchSize, windows.count)]
            try compute(Array(batch), encodings, into: &logits)
        }
        return try texts.indices.map { index in
            let tokens = EntityAggregation.tokens(
                of: texts[index], encoding: encodings[index], logits: logits[index], tokenizer: tokenizer)
            return try aggregation.entities(tokens) { try tokenizer.decode(tokens: $0) }
        }
    }

    private func compute(
        _ batch: [(text: Int, window: TokenWindow)], _ encodings: [Encoding], into logits: inout [[Float]]
    ) throws {
        var input = PackedInput(inputIDs: [], tokenTypeIDs: [], offsets: [0])
        for (text, window) in batch {
            input.inputIDs += window.tokens.map { encodings[text].ids[$0] }
            input.tokenTypeIDs? += window.tokens.map { encodings[text].typeIDs[$0] }
            input.offsets.append(input.inputIDs.count)
        }
        if input.tokenTypeIDs?.allSatisfy({ $0 == 0 }) == true { input.tokenTypeIDs = nil }
        let rows: [Float] = try withNoGrad {
            try model(input, ForwardOptions(precision: precision)).logits.array()
        }
        let width = labels.count
        var row = 0
        for (text, window) in batch {
            for (position, token) in window.tokens.enumerated() {
                defer { row += 1 }
                guard window.owned.contains(position) else { continue }
                let values = rows[row * width..<(row + 1) * width]
                guard values.allSatisfy(\.isFinite) else {
                    throw NonFiniteLogitsError(
                        directory.path(percentEncoded: false), example: text,
                        value: values.first { !$0.isFinite } ?? .nan)
                }
                logits[text].replaceSubrange(token * width..<(token + 1) * width, with: values)
            }
        }
    }
}

/// A part of a text's tokens that a model reads in one forward pass.
struct TokenWindow: Equatable {
    /// The tokens by their indices in the encoding, those that the tokenizer added included.
    let tokens: [Int]
    /// The range of ``tokens`` whose predictions are taken from this window.
    let owned: Range<Int>

    /// A text's windows: one, or where it is longer several that overlap by a quarter. A token's prediction is
    /// taken from the window in which it is further from a cut.
    static func windows(of encoding: Encoding, maxLength: Int) -> [TokenWindow] {
        guard encoding.count > maxLength else {
            return [TokenWindow(tokens: Array(encoding.ids.indices), owned: 0..<encoding.count)]
        }
        let isSpecial = encoding.specialTokensMask.map { $0 != 0 }
        let prefix = Array(isSpecial.indices.prefix { isSpecial[$0] })
        let suffix = Array(isSpecial.indices.reversed().prefix { isSpecial[$0] }.reversed())
        let body = prefix.count..<encoding.count - suffix.count
        let room = max(1, maxLength - prefix.count - suffix.count)
        let overlap = min(WordChunk.stride(maxLength), room - 1)
        var windows: [TokenWindow] = []
        var start = body.lowerBound
        var ownedFrom = start
        while true {
            let end = min(start + room, body.upperBound)
            let isLast = end == body.upperBound
            // The next window begins `overlap` tokens before this one's end.
            let ownedTo = isLast ? end : end - overlap / 2
            windows.append(
                TokenWindow(
                    tokens: prefix + Array(start..<end) + suffix,
                    owned: prefix.count + ownedFrom - start..<prefix.count + ownedTo - start))
            if isLast { return windows }
            ownedFrom = ownedTo
            start = end - overlap
        }
    }
}
