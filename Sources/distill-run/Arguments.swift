import DistillRuntime

/// What the command line asks for.
struct Arguments: Equatable {
    var model = ""
    var file = "-"
    var hasPairs = false
    var maxLength: Int?
    var threshold = 0.5
    var aggregation: EntityAggregation.Strategy?
    var usesBFloat16 = false
    var threads: Int32 = 0
    var showsHelp = false

    static let help = """
        distill-run: predictions of a trained model, a JSON line for each text, as `distill predict` writes them.

        USAGE: distill-run <model> [<file>] [options]

          <model>               A model directory in Hugging Face format: a text classifier, regressor or tagger.
          <file>                A text a line; standard input where it is - or left out.

        OPTIONS:
          --pairs               Each line holds two texts, separated by a tab.
          --max-length <n>      Longer texts are cut to this many tokens (default: as in the model's training).
          --threshold <p>       The probability above which one of several labels is chosen (default: 0.5).
          --aggregation <how>   How a tagger's tokens become entities: none, simple, first, average, max (default: simple).
          --bfloat16            Multiply in bfloat16: less exact, faster where the processor has it.
          --threads <n>         Threads to compute on (default: as many as this process has processors).
          --help                This text.
        """

    /// Reads the arguments.
    ///
    /// - Throws: ``UsageError`` that names the argument.
    init(_ arguments: [String]) throws {
        var rest = arguments[...]
        var places: [String] = []
        while let argument = rest.popFirst() {
            let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let isOption = argument.hasPrefix("--") && argument.utf8.count > 2
            func value() throws -> String {
                if parts.count == 2 { return parts[1] }
                guard let next = rest.popFirst() else { throw UsageError("\(argument) needs a value") }
                return next
            }
            func number(_ range: ClosedRange<Int>) throws -> Int {
                let text = try value()
                guard let number = Int(text), range.contains(number) else {
                    throw UsageError("\(parts[0]) must be a number from \(range.lowerBound), got '\(text)'")
                }
                return number
            }
            switch isOption ? parts[0] : argument {
            case "--help", "-h": showsHelp = true
            case "--pairs": hasPairs = true
            case "--bfloat16": usesBFloat16 = true
            case "--max-length": maxLength = try number(3...1_000_000)
            case "--threads": threads = Int32(try number(1...4096))
            case "--threshold":
                let text = try value()
                guard let number = Double(text), number > 0, number < 1 else {
                    throw UsageError("--threshold must be between 0 and 1, got '\(text)'")
                }
                threshold = number
            case "--aggregation":
                let text = try value()
                guard let strategy = EntityAggregation.Strategy(rawValue: text) else {
                    throw UsageError("--aggregation must be none, simple, first, average or max, got '\(text)'")
                }
                aggregation = strategy
            case let other where other.hasPrefix("-") && other != "-":
                throw UsageError("unknown option '\(other)'; see distill-run --help")
            default: places.append(argument)
            }
        }
        guard !showsHelp else { return }
        guard let model = places.first else { throw UsageError("give a model directory; see distill-run --help") }
        guard places.count <= 2 else { throw UsageError("unexpected argument '\(places[2])'") }
        self.model = model
        if places.count == 2 { file = places[1] }
    }
}

/// A command line that cannot be understood.
struct UsageError: Error, Equatable, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
