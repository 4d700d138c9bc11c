/// A pattern to search for in a text, used by `Split` and `Replace` among others.
enum TextPattern: Sendable {
    case literal([UInt8])
    /// Single characters, as ranges.
    case characters([UInt32])
    /// `\w+|[^\w\s]+`
    case whitespace
    /// GPT-2's words.
    case gpt2
    /// Llama 3's words, or Qwen's.
    case llama3(Llama3Scanner)
    /// `\s{2,}|[\n\r\t]`
    case lineSpaces
    /// Runs of a character of at least a number.
    case run(UInt8, atLeast: Int)
    case regex(any RegularExpression)

    static let gpt2Expression = #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#

    /// Reads `pattern`: `{"String": …}` or `{"Regex": …}`.
    init(_ configuration: StageConfiguration) throws {
        let pattern = try configuration.object("pattern")
        if let text = try pattern.optionalString("String") {
            self = .literal(Array(text.utf8))
            return
        }
        let text = try pattern.string("Regex")
        if text == Self.gpt2Expression {
            self = .gpt2
        } else if let scanner = Llama3Scanner(expression: text) {
            self = .llama3(scanner)
        } else if text == #"\s{2,}|[\n\r\t]"# {
            self = .lineSpaces
        } else if text == " {2,}" {
            self = .run(0x20, atLeast: 2)
        } else {
            self = .regex(try Self.expression(text, pattern))
        }
    }

    /// The expression as the program's engine understands it.
    private static func expression(
        _ text: String, _ pattern: StageConfiguration
    ) throws -> any RegularExpression {
        guard let engine = pattern.expressions else {
            throw pattern.malformed(
                "Regex",
                "\(quoted(text)) is a general regular expression, which this program cannot search for; use the full "
                    + "program (distill), or a tokenizer with the expression of GPT-2, Llama 3 or Qwen")
        }
        do {
            return try engine.expression(text, place: "\(pattern.place).Regex")
        } catch {
            throw pattern.malformed("Regex", "\(error)")
        }
    }

    /// The scanner that gives the words at once, if there is one; they leave nothing out.
    var scanner: WordScanner? {
        switch self {
        case .gpt2: .gpt2
        case .llama3(let scanner): .llama3(scanner)
        default: nil
        }
    }

    /// The matches, in order.
    ///
    /// - Parameter budget: the limits for the text that this is, or is a part of.
    /// - Throws: ``TokenizerError/text(stage:reason:index:)`` where it takes too long.
    func matches(in text: UnsafeBufferPointer<UInt8>, _ budget: TextBudget) throws -> [Range<Int>] {
        var found: [Range<Int>] = []
        switch self {
        case .literal(let pattern):
            guard !pattern.isEmpty else { return [] }
            var place = 0
            while place + pattern.count <= text.count {
                if text[place] == pattern[0], text[place..<place + pattern.count].elementsEqual(pattern) {
                    found.append(place..<place + pattern.count)
                    place += pattern.count
                } else {
                    place += 1
                }
            }
        case .characters(let ranges):
            Self.forEachScalar(text) { if UnicodeTables.contains($1, in: ranges) { found.append($0) } }
        case .run(let byte, let least):
            var place = 0
            while place < text.count {
                var end = place
                while end < text.count, text[end] == byte { end += 1 }
                if end - place >= least { found.append(place..<end) }
                place = max(end, place + 1)
            }
        case .lineSpaces:
            var run: (range: Range<Int>, count: Int, isLineSpace: Bool)?
            func end() {
                if let run, run.count > 1 || run.isLineSpace { found.append(run.range) }
                run = nil
            }
            Self.forEachScalar(text) { range, scalar in
                guard UnicodeTables.contains(scalar, in: UnicodeTables.spaces) else { return end() }
                if let before = run {
                    run = (before.range.lowerBound..<range.upperBound, before.count + 1, false)
                } else {
                    run = (range, 1, scalar == 0x0A || scalar == 0x0D || scalar == 0x09)
                }
            }
            end()
        case .whitespace:
            var previous = 0
            Self.forEachScalar(text) { range, scalar in
                let kind =
                    UnicodeTables.contains(scalar, in: UnicodeTables.wordCharacters) || Self.joins(scalar)
                    ? 1 : UnicodeTables.contains(scalar, in: UnicodeTables.spaces) ? 0 : 2
                if kind != 0 {
                    if kind == previous, let last = found.last {
                        found[found.count - 1] = last.lowerBound..<range.upperBound
                    } else {
                        found.append(range)
                    }
                }
                previous = kind
            }
        case .gpt2, .llama3: scanner?.split(text, into: &found)
        case .regex(let expression): return try expression.matches(in: text, budget)
        }
        return found
    }

    /// The joiners, which the standard counts among the characters of words (Unicode Technical Standard 18, annex C).
    private static func joins(_ scalar: UInt32) -> Bool { scalar == 0x200C || scalar == 0x200D }

    private static func forEachScalar(
        _ text: UnsafeBufferPointer<UInt8>, _ body: (_ range: Range<Int>, _ scalar: UInt32) -> Void
    ) {
        var place = 0
        while place < text.count {
            let scalar = UTF8Bytes.scalar(in: text, at: place)
            body(place..<place + scalar.length, scalar.value)
            place += scalar.length
        }
    }
}
