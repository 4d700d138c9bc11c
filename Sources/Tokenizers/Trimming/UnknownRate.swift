/// The frequency of `[UNK]` in some texts: tokens for words that the vocabulary cannot express.
public struct UnknownRate: Sendable, Equatable, Codable {
    /// All tokens, special ones included.
    public var tokens: Int
    /// Those that are `[UNK]`.
    public var unknown: Int

    /// Makes a rate from its two counts.
    public init(tokens: Int = 0, unknown: Int = 0) {
        self.tokens = tokens
        self.unknown = unknown
    }

    /// The fraction of `[UNK]`, from 0 to 1; 0 without tokens.
    public var share: Double { tokens == 0 ? 0 : Double(unknown) / Double(tokens) }

    /// Adds token ids.
    ///
    /// - Parameters:
    ///   - ids: Of one text or several.
    ///   - unknownID: The id of `[UNK]`; `nil` if there is none.
    public mutating func add(_ ids: some Collection<Int32>, unknownID: Int32?) {
        tokens += ids.count
        if let unknownID { unknown += ids.count { $0 == unknownID } }
    }
}
