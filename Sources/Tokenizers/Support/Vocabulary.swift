/// Tokens and their ids. Tokens are compared by their bytes: Swift's strings would merge different spellings of
/// the same character.
struct Vocabulary: Sendable {
    /// The ids, in ascending order.
    let ids: [Int32]
    /// The start of each token in ``bytes``, followed by the end of the last.
    private let starts: [Int]
    private let bytes: [UInt8]
    private let table: ByteTable

    /// Makes a vocabulary.
    ///
    /// - Parameter file: the name for error messages.
    /// - Throws: ``TokenizerError/invalidVocabulary(file:reason:)`` if two tokens have the same id, an id is negative
    ///   or beyond 32 bits, or all tokens together are too large.
    init(_ tokens: [(token: String, id: Int)], file: String) throws {
        func invalid(_ reason: String) -> TokenizerError { .invalidVocabulary(file: file, reason: reason) }
        var sorted: [(token: String, id: Int32)] = []
        sorted.reserveCapacity(tokens.count)
        for (token, id) in tokens {
            guard let narrow = Int32(exactly: id), narrow >= 0, narrow < Int32.max else {
                throw invalid("token \(quoted(token)) has id \(id); ids must be 0 or more, and fit 32 bits")
            }
            sorted.append((token, narrow))
        }
        sorted.sort { $0.id < $1.id }
        for (one, other) in zip(sorted, sorted.dropFirst()) where one.id == other.id {
            throw invalid(
                "tokens \(quoted(one.token)) and \(quoted(other.token)) both have id \(one.id); correct the file"
            )
        }

        var bytes: [UInt8] = []
        var starts = [0]
        starts.reserveCapacity(sorted.count + 1)
        for (token, _) in sorted {
            bytes.append(contentsOf: token.utf8)
            starts.append(bytes.count)
        }
        guard bytes.count <= Int(UInt32.max) else { throw invalid("the tokens take more than 4 GiB") }
        self.ids = sorted.map(\.id)
        self.starts = starts
        self.bytes = bytes
        table = ByteTable(sorted.indices.map { (bytes[starts[$0]..<starts[$0 + 1]], sorted[$0].id) })
    }

    /// The number of tokens.
    var count: Int { ids.count }

    /// The number of bytes of all tokens together.
    var byteCount: Int { bytes.count }

    /// The id of a token.
    func id(of token: String) -> Int32? {
        var token = token
        return token.withUTF8 { id(of: $0) }
    }

    /// The id of a token, given as UTF-8.
    func id(of token: UnsafeBufferPointer<UInt8>) -> Int32? {
        let hash = token.reduce(ByteTable.emptyHash) { ByteTable.hash($0, adding: $1) }
        let id = table.withReader { $0.id(of: token[...], hash: hash) }
        return id == ByteTable.notFound ? nil : id
    }

    /// The token of an id.
    func token(of id: Int32) -> String? { position(of: id).map { String(decoding: self[$0], as: UTF8.self) } }

    /// The bytes of the token of an id, if there is one.
    func bytes(of id: Int32) -> ArraySlice<UInt8>? { position(of: id).map { self[$0] } }

    /// Returns the number of bytes of the token with an id.
    func length(of id: Int32) -> Int? { position(of: id).map { self[$0].count } }

    private func position(of id: Int32) -> Int? {
        var (low, high) = (0, ids.count)
        while low < high {
            let middle = (low + high) / 2
            if ids[middle] < id { low = middle + 1 } else { high = middle }
        }
        return low < ids.count && ids[low] == id ? low : nil
    }

    /// The bytes of the token at an index in the order of the ids.
    subscript(position: Int) -> ArraySlice<UInt8> { bytes[starts[position]..<starts[position + 1]] }

    /// This vocabulary with more tokens.
    func adding(_ tokens: [(token: String, id: Int)], file: String) throws -> Vocabulary {
        let present = ids.indices.map { (String(decoding: self[$0], as: UTF8.self), Int(ids[$0])) }
        return try Vocabulary(present + tokens, file: file)
    }

    /// Returns true if both contain the same tokens with the same ids.
    func isEqual(to other: Vocabulary) -> Bool {
        ids == other.ids && starts == other.starts && bytes == other.bytes
    }
}
