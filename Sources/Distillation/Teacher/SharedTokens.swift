import Tokenizers

/// The tokens that two vocabularies share, and those that one of them has alone.
struct SharedTokens: Sendable {
    /// The student's number of each shared token, in the order of the teacher's.
    var student: [Int] = []
    /// The teacher's numbers, in rising order.
    var teacher: [Int] = []
    /// The student's other tokens.
    var studentAlone: [Int] = []
    /// The teacher's other tokens.
    var teacherAlone: [Int] = []

    /// A token of the student's and one of the teacher's.
    struct Pair: Hashable {
        var student: Int
        var teacher: Int
    }
}

/// The bytes of a vocabulary's tokens.
struct VocabularyBytes {
    /// By token; none for special tokens.
    let bytes: [[UInt8]]
    /// The content of each special token, by its number.
    let special: [Int: [UInt8]]

    init(bytes: [[UInt8]], special: [Int: [UInt8]]) { (self.bytes, self.special) = (bytes, special) }

    /// - Throws: `TokenizerError` where the tokenizer's decoder is not known.
    init(_ tokenizer: Tokenizer) throws {
        let counts = try tokenizer.byteCounts()
        var special: [Int: [UInt8]] = [:]
        bytes = counts.enumerated().map { id, count in
            let own = tokenizer.bytes(ofToken: Int32(id)) ?? []
            if count == 0, !own.isEmpty { special[id] = own }
            return count == 0 ? [] : own
        }
        self.special = special
    }
}

extension SharedTokens {
    /// Tokens are the same where they stand for the same bytes, special ones where they are written alike, and beyond these where the
    /// two stand at the same places of texts: what ends an answer is one token, however it is written. Of several of a vocabulary with
    /// the same bytes the last counts, so that characters go before the tokens of bytes.
    ///
    /// - Parameter ends: How often two special tokens stand at the same place.
    init(student: VocabularyBytes, teacher: VocabularyBytes, ends: [Pair: Int] = [:]) {
        let own = Self.byContent(student)
        let theirs = Self.byContent(teacher)
        var pairs = theirs.compactMap { content, id in own[content].map { Pair(student: $0, teacher: id) } }
        var (both, other) = (Set(pairs.map(\.student)), Set(pairs.map(\.teacher)))
        let often = ends.sorted {
            ($1.value, $0.key.teacher, $0.key.student) < ($0.value, $1.key.teacher, $1.key.student)
        }
        for (pair, _) in often where !both.contains(pair.student) && !other.contains(pair.teacher) {
            pairs.append(pair)
            both.insert(pair.student)
            other.insert(pair.teacher)
        }
        pairs.sort { $0.teacher < $1.teacher }
        self.student = pairs.map(\.student)
        self.teacher = pairs.map(\.teacher)
        studentAlone = student.bytes.indices.filter { !both.contains($0) }
        teacherAlone = teacher.bytes.indices.filter { !other.contains($0) }
    }

    private static func byContent(_ vocabulary: VocabularyBytes) -> [[UInt8]: Int] {
        var tokens: [[UInt8]: Int] = [:]
        for (id, bytes) in vocabulary.bytes.enumerated() {
            // A special token is not the text that it looks like: no text has the byte FF.
            if let content = vocabulary.special[id] {
                tokens[[0xFF] + content] = id
            } else if !bytes.isEmpty {
                tokens[bytes] = id
            }
        }
        return tokens
    }

    /// The same, of which the last numbers may be missing: an output layer may have fewer or more rows than the tokenizer has tokens.
    ///
    /// - Parameters:
    ///   - student: The rows of the student's output layer.
    ///   - teacher: The rows of the teacher's.
    func fitting(student: Int, teacher: Int) -> SharedTokens {
        let pairs = zip(self.student, self.teacher).filter { $0 < student && $1 < teacher }
        return SharedTokens(
            student: pairs.map(\.0), teacher: pairs.map(\.1),
            studentAlone: Self.others(than: pairs.map(\.0), of: student),
            teacherAlone: Self.others(than: pairs.map(\.1), of: teacher))
    }

    private static func others(than shared: [Int], of count: Int) -> [Int] {
        let both = Set(shared)
        return (0..<count).filter { !both.contains($0) }
    }
}
