/// A query with documents that are ranked for it: what a row of a data file, or several of one query, give.
public struct RankedGroup: Sendable, Equatable {
    public var query: String
    /// At least one.
    public var documents: [String]
    /// How relevant each document is; 1 and 0 for those that are called positive and negative, `nil` where that is not known.
    public var labels: [Float?]
    /// A teacher's score of each document; `nil` where the file has none. Of differences those of the first document: it has 0.
    public var scores: [Float?]
    /// The row that the group begins with, for errors about it.
    public var place: ObjectRow
}

/// What is wrong with a row, without its place.
struct RankingError: Error {
    let reason: String
    init(_ reason: String) { self.reason = reason }
}
