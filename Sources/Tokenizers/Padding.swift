/// The padding of encodings to a common length, as set in a tokenizer's files.
public struct Padding: Sendable, Equatable {
    /// The length of all encodings, or `nil` for that of the longest.
    public var length: Int?
    /// The end at which padding is added.
    public var side: Side
    /// If set, lengths are rounded up to a multiple of this.
    public var multipleOf: Int?
    /// The token that fills the room.
    public var padID: Int32
    /// The padding's `token_type_ids`.
    public var padTypeID: Int32
    /// The padding token's text.
    public var padToken: String
}

extension Padding {
    /// Reads `padding` of `tokenizer.json`.
    init(_ configuration: StageConfiguration) throws {
        if configuration.object["strategy"]?.stringValue == "BatchLongest" {
            length = nil
        } else if configuration.object["strategy"]?.objectValue != nil {
            length = try configuration.object("strategy").int("Fixed")
        } else {
            throw configuration.malformed("strategy", "expected \"BatchLongest\" or {\"Fixed\": length}")
        }
        side = try configuration.side("direction") ?? .right
        multipleOf = try configuration.optionalInt("pad_to_multiple_of")
        padID = try configuration.int32("pad_id")
        padTypeID = try configuration.int32("pad_type_id")
        padToken = try configuration.string("pad_token")
    }
}

extension Tokenizer {
    /// Makes encodings equally long by adding padding tokens, which get an attention mask of 0.
    ///
    /// - Parameters:
    ///   - encodings: one for each row.
    ///   - toMultipleOf: the length is rounded up to a multiple of this.
    ///   - length: the length to reach; by default that of the longest encoding.
    ///   - side: the end at which padding is added; by default the tokenizer's ``paddingSide``.
    /// - Returns: arrays of shape `[encodings.count, length]`.
    /// - Throws: ``TokenizerError/padding(_:)`` if an encoding is longer than `length`, or if there is padding to
    ///   add and the tokenizer has no padding token.
    public func pad(
        _ encodings: [Encoding], toMultipleOf: Int = 1, length: Int? = nil, side: Side? = nil
    ) throws -> BatchEncoding {
        guard toMultipleOf >= 1 else {
            throw TokenizerError.padding("lengths cannot be multiples of \(toMultipleOf); pass 1 or more")
        }
        let longest = encodings.reduce(0) { max($0, $1.count) }
        let wanted = length ?? longest
        guard longest <= wanted else {
            throw TokenizerError.padding(
                "an encoding has \(longest) tokens, more than the length \(wanted); truncate to \(wanted) when encoding"
            )
        }
        let (columns, tooLong) = wanted.addingReportingOverflow(
            (toMultipleOf - wanted % toMultipleOf) % toMultipleOf)
        let (size, tooLarge) = columns.multipliedReportingOverflow(by: encodings.count)
        guard !tooLong, !tooLarge, size <= Int(Int32.max) else {
            throw TokenizerError.padding(
                "a length of \(wanted), rounded up to a multiple of \(toMultipleOf), is too large")
        }
        if encodings.contains(where: { $0.count < columns }), padTokenID == nil {
            throw TokenizerError.padding(
                "the tokenizer has no padding token; name one as pad_token in tokenizer_config.json")
        }

        var batch = BatchEncoding(
            inputIDs: [Int32](repeating: padTokenID ?? 0, count: size),
            tokenTypeIDs: [Int32](repeating: padTokenTypeID, count: size),
            attentionMask: [Int32](repeating: 0, count: size),
            batchSize: encodings.count, sequenceLength: columns)
        for (row, encoding) in encodings.enumerated() {
            let start = row * columns + ((side ?? paddingSide) == .left ? columns - encoding.count : 0)
            let place = start..<start + encoding.count
            batch.inputIDs.replaceSubrange(place, with: encoding.ids)
            batch.tokenTypeIDs.replaceSubrange(place, with: encoding.typeIDs)
            batch.attentionMask.replaceSubrange(place, with: encoding.attentionMask)
        }
        return batch
    }
}
