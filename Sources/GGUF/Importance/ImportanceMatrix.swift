/// What an error in each column of a model's matrices counts: the mean of the squares of what the column is multiplied by, over the
/// tokens of some texts (llama.cpp's "imatrix").
///
/// With errors of weights that are independent of the inputs, Σ wᵢ Δᵢ² with these wᵢ is the mean square of a row's output error
/// but for the inputs' correlations.
public struct ImportanceMatrix: Sendable, Equatable {
    /// The sums of one matrix.
    public struct Entry: Sendable, Equatable {
        /// For each column the sum of squares of its inputs.
        public var squares: [Float]
        /// The number of inputs that were summed up, tokens for llama.cpp's own files of the newer form.
        public var count: Float

        /// - Parameters:
        ///   - squares: for each column the sum of squares of its inputs.
        ///   - count: the number of inputs.
        public init(squares: [Float], count: Float) { (self.squares, self.count) = (squares, count) }
    }

    /// The entries by their tensors' names in the file: `blk.0.attn_q.weight`.
    public var entries: [String: Entry]
    /// The files of the texts.
    public var datasets: [String]
    /// The number of pieces of text, and the most tokens of one.
    public var chunks: Int
    public var chunkSize: Int

    /// Makes a matrix.
    ///
    /// - Parameters:
    ///   - entries: the entries by their tensors' names in the file.
    ///   - datasets: the files of the texts.
    ///   - chunks: the number of pieces of text.
    ///   - chunkSize: the most tokens of a piece.
    public init(
        entries: [String: Entry] = [:], datasets: [String] = [], chunks: Int = 0, chunkSize: Int = 0
    ) {
        (self.entries, self.datasets) = (entries, datasets)
        (self.chunks, self.chunkSize) = (chunks, chunkSize)
    }

    /// A column that no text used still counts a little, so that its weights are not lost.
    private static let least: Float = 1e-4

    /// Returns what errors in the columns of a tensor count, with a mean of 1; `nil` where nothing is known of it.
    ///
    /// - Parameters:
    ///   - name: the tensor's name in the file.
    ///   - columns: the number of its columns.
    /// - Throws: ``GGUFError`` where it is known of another number of columns.
    public func importance(of name: String, columns: Int) throws -> [Float]? {
        guard let entry = entries[name], entry.count > 0 else { return nil }
        guard entry.squares.count == columns else {
            throw GGUFError(
                datasets.first ?? "the importance matrix", tensor: name,
                "its importance has \(entry.squares.count) columns, the model \(columns); use the matrix that was made of "
                    + "this model")
        }
        let mean = entry.squares.reduce(0) { $0 + Double($1) } / Double(columns)
        guard mean > 0 else { return nil }
        return entry.squares.map { max(Float(Double($0) / mean), Self.least) }
    }
}
