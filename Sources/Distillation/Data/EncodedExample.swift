/// The tokens of one example.
public struct EncodedExample: Sendable, Equatable {
    public var inputIDs: [Int32] = []
    /// The token type of each token: 0, or 1 in the second text of a pair.
    public var tokenTypeIDs: [Int32] = []

    public init() {}
}
