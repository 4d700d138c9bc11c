import DistillRuntime

/// What the command line asks for.
struct Arguments: Equatable {
    var model = ""
    var file = "-"
    var hasPairs = false
    var maxLength: Int?
    var threshold = 0.5
    var aggregation: EntityAggregation.Strategy?
    var prompt: String?
    var output: String?
    var usesBFloat16 = false
    var threads: Int32 = 0
    var showsHelp = false
    var showsVersion = false

    static let help = """
        distill-run: predictions of a trained model, a JSON line for each text, as `distill predict` writes them.

        USAGE: distill-run <model> [<file>] [options]

          <model>               A model directory in Hugging Face format: a text classifier, regressor or tagger, or a
                                model of embeddings that sentence-transformers can open.
          <file>                Plain text, a text a line; standard input where it is - or left out.

        OPTIONS:
          --pairs               Each line holds two texts, separated by a tab.
          --max-length <n>      Longer texts are cut to this many tokens (default: as in the model's training).
          --threshold <p>       The probability above which one of several labels is chosen (default: 0.5).
          --aggregation <how>   How a tagger's tokens become entities: none, simple, first, average, max (default: simple).
          --prompt <name>       Of a model of embeddings the prompt that stands before each text (default: the model's).
          --output <file>       A file in place of standard output, there whole or not at all: lines of JSON (.jsonl), or of a model
                                of embeddings the vectors alone (.npy, .safetensors).
          --bfloat16            Multiply in bfloat16: less exact, faster where the processor has it.
          --threads <n>         Threads to compute on (default: as many as this process has processors).
          --version             The version.
          --help                This text.

        Lines of which none is a text (empty, or not two texts with --pairs) have an error in place of a prediction; the exit
        code is 0 all the same. Data files (CSV, JSON lines, Parquet) are for `distill predict`.
        """

    /// Reads the arguments.
    ///
    /// - Throws: ``UsageError`` that names the argument.
    init(_ arguments: [String]) throws {
        var rest = arguments[...]
        var places: [String] = []
        while let argument = rest.popFirst() {
            if argument == "--" {
                places += rest
                break
            }
            guard argument.hasPrefix("-"), argument != "-" else {
                places.append(argument)
                continue
            }
            try read(Option(argument, &rest))
        }
        guard !showsHelp, !showsVersion else { return }
        guard let model = places.first else {
            throw UsageError("give a model directory; see distill-run --help")
        }
        guard places.count <= 2 else {
            throw UsageError("unexpected argument '\(places[2])'; see distill-run --help")
        }
        self.model = model
        if places.count == 2 { try setFile(places[1]) }
    }

    /// Takes one option.
    private mutating func read(_ option: Option) throws {
        switch option.name {
        case "--help", "-h": showsHelp = try option.flag()
        case "--version": showsVersion = try option.flag()
        case "--pairs": hasPairs = try option.flag()
        case "--prompt": prompt = try option.value()
        case "--output": output = try Self.checkedOutput(option.value())
        case "--bfloat16": usesBFloat16 = try option.flag()
        case "--max-length": maxLength = try option.number(3...1_000_000)
        case "--threads": threads = Int32(try option.number(1...4096))
        case "--threshold":
            let text = try option.value()
            guard let number = Double(text), number > 0, number < 1 else {
                throw UsageError("--threshold must be between 0 and 1, got '\(text)'")
            }
            threshold = number
        case "--aggregation":
            let text = try option.value()
            guard let strategy = EntityAggregation.Strategy(rawValue: text) else {
                throw UsageError("--aggregation must be none, simple, first, average or max, got '\(text)'")
            }
            aggregation = strategy
        default: throw UsageError("unknown option '\(option.name)'; see distill-run --help")
        }
    }

    private static func checkedOutput(_ path: String) throws -> String {
        do { _ = try PredictionFile(path) } catch { throw UsageError("\(error)") }
        return path
    }

    private mutating func setFile(_ name: String) throws {
        file = name
        let kinds = [".csv", ".tsv", ".jsonl", ".json", ".parquet", ".gz"]
        if let kind = kinds.first(where: name.lowercased().hasSuffix) {
            throw UsageError(
                "\(file): distill-run reads plain text, a text a line, and no \(kind.dropFirst()) files; use `distill predict`, or "
                    + "give the texts alone")
        }
    }
}

/// An option with its value, which stands behind `=` or is the next argument.
private struct Option {
    let name: String
    private let attached: String?
    private let next: String?

    /// - Parameter rest: The arguments after it, of which the first is taken where it is the value.
    init(_ argument: String, _ rest: inout ArraySlice<String>) {
        let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        name = String(parts[0])
        attached = parts.count == 2 ? String(parts[1]) : nil
        let takesValue = [
            "--max-length", "--threads", "--threshold", "--aggregation", "--prompt", "--output",
        ].contains(name)
        next = takesValue && attached == nil ? rest.popFirst() : nil
    }

    func flag() throws -> Bool {
        if let attached { throw UsageError("\(name) takes no value, got '\(attached)'") }
        return true
    }

    func value() throws -> String {
        guard let value = attached ?? next else { throw UsageError("\(name) needs a value") }
        return value
    }

    func number(_ range: ClosedRange<Int>) throws -> Int {
        let text = try value()
        guard let number = Int(text), range.contains(number) else {
            throw UsageError(
                "\(name) must be a number from \(range.lowerBound) to \(range.upperBound), got '\(text)'")
        }
        return number
    }
}

/// A command line that cannot be understood.
struct UsageError: Error, Equatable, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
