import JSON

/// Tokens and their ids. Tokens are compared by their bytes: Swift's strings would merge different spellings of
/// the same character.
struct Vocabulary: Sendable {
    /// The ids, in ascending order.
    let ids: [Int32]
    /// The end of each token in ``bytes``.
    private let ends: [UInt32]
    private let bytes: [UInt8]
    private let table: ByteTable

    /// Makes a vocabulary.
    ///
    /// - Parameter file: the name for error messages.
    /// - Throws: ``TokenizerError/invalidVocabulary(file:reason:)`` if two tokens have the same id, an id is negative
    ///   or beyond 32 bits, or all tokens together are too large.
    init(_ tokens: [(token: String, id: Int)], file: String) throws {
        var bytes: [UInt8] = []
        var ends: [UInt32] = []
        ends.reserveCapacity(tokens.count)
        for (token, _) in tokens {
            bytes.append(contentsOf: token.utf8)
            ends.append(UInt32(truncatingIfNeeded: bytes.count))
        }
        try self.init(bytes, ends, tokens.map(\.id), file: file)
    }

    /// Makes a vocabulary of a file's members; see ``init(_:file:)-([(String,Int)],_)``.
    init(_ members: JSONIntegers, file: String) throws {
        try self.init(members.bytes, members.ends, members.values, file: file)
    }

    /// - Parameters:
    ///   - bytes: the tokens one behind the other.
    ///   - ends: the end of each; of no meaning where they take more than 4 GiB.
    private init(_ bytes: [UInt8], _ ends: [UInt32], _ ids: [Int], file: String) throws {
        func invalid(_ reason: String) -> TokenizerError { .invalidVocabulary(file: file, reason: reason) }
        guard bytes.count <= Int(UInt32.max) else { throw invalid("the tokens take more than 4 GiB") }
        func token(_ place: Int) -> ArraySlice<UInt8> {
            bytes[(place == 0 ? 0 : Int(ends[place - 1]))..<Int(ends[place])]
        }
        func name(_ place: Int) -> String { quoted(String(decoding: token(place), as: UTF8.self)) }
        if let place = ids.firstIndex(where: { $0 < 0 || $0 >= Int(Int32.max) }) {
            throw invalid("token \(name(place)) has id \(ids[place]); ids must be 0 or more, and fit 32 bits")
        }
        let narrow = ids.map { Int32(truncatingIfNeeded: $0) }
        // Nearly all files list tokens in the order of their ids.
        if zip(narrow, narrow.dropFirst()).allSatisfy(<) {
            (self.ids, self.ends, self.bytes) = (narrow, ends, bytes)
        } else {
            let order = narrow.indices.sorted { narrow[$0] < narrow[$1] }
            for (one, other) in zip(order, order.dropFirst()) where narrow[one] == narrow[other] {
                throw invalid(
                    "tokens \(name(one)) and \(name(other)) both have id \(narrow[one]); correct the file")
            }
            var sorted: [UInt8] = []
            sorted.reserveCapacity(bytes.count)
            self.ids = order.map { narrow[$0] }
            self.ends = order.map { place in
                sorted.append(contentsOf: token(place))
                return UInt32(truncatingIfNeeded: sorted.count)
            }
            self.bytes = sorted
        }
        table = ByteTable(self.bytes, ends: self.ends, ids: self.ids)
    }

    /// The number of tokens.
    var count: Int { ids.count }

    /// The number of bytes of all tokens together.
    var byteCount: Int { bytes.count }

    /// The length of the longest token, in bytes.
    var longest: Int { table.longest }

    /// Calls the body with a reader of the tokens' table that is valid only during the call.
    @inline(__always)
    func withReader<Result>(_ body: (ByteTable.Reader) throws -> Result) rethrows -> Result {
        try table.withReader(body)
    }

    /// Calls the body with all tokens' bytes, one behind the other in the order of the ids, and the end of each.
    func withBytes<Result>(
        _ body: (_ bytes: UnsafeBufferPointer<UInt8>, _ ends: UnsafeBufferPointer<UInt32>) -> Result
    ) -> Result {
        bytes.withUnsafeBufferPointer { bytes in ends.withUnsafeBufferPointer { body(bytes, $0) } }
    }

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
    func length(of id: Int32) -> Int? { position(of: id).map { range($0).count } }

    private func position(of id: Int32) -> Int? {
        var (low, high) = (0, ids.count)
        while low < high {
            let middle = (low + high) / 2
            if ids[middle] < id { low = middle + 1 } else { high = middle }
        }
        return low < ids.count && ids[low] == id ? low : nil
    }

    /// The bytes of the token at an index in the order of the ids.
    subscript(position: Int) -> ArraySlice<UInt8> { bytes[range(position)] }

    private func range(_ position: Int) -> Range<Int> {
        (position == 0 ? 0 : Int(ends[position - 1]))..<Int(ends[position])
    }

    /// This vocabulary with more tokens.
    func adding(_ tokens: [(token: String, id: Int)], file: String) throws -> Vocabulary {
        let present = ids.indices.map { (String(decoding: self[$0], as: UTF8.self), Int(ids[$0])) }
        return try Vocabulary(present + tokens, file: file)
    }

    /// Returns true if both contain the same tokens with the same ids.
    func isEqual(to other: Vocabulary) -> Bool {
        ids == other.ids && ends == other.ends && bytes == other.bytes
    }
}
