import DistillRuntime

/// What the command line asks for.
struct Arguments: Equatable {
    var model = ""
    var file = "-"
    var hasPairs = false
    var maxLength: Int?
    var threshold = 0.5
    var aggregation: EntityAggregation.Strategy?
    /// A language model's prompts; the name of the prompt of a model of embeddings.
    var prompts: [String] = []
    var output: String?
    var usesBFloat16 = false
    var threads: Int32 = 0
    /// How a language model generates.
    var generation = GenerationArguments()
    /// The names of the options that were given, in their order.
    private(set) var given: [String] = []
    var showsHelp = false
    var showsVersion = false

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
            let option = Option(argument, &rest)
            try read(option)
            given.append(option.name)
        }
        guard !showsHelp, !showsVersion else { return }
        guard let model = places.first else {
            throw UsageError("give a model directory or a GGUF file; see distill-run --help")
        }
        guard places.count <= 2 else {
            throw UsageError("unexpected argument '\(places[2])'; see distill-run --help")
        }
        self.model = model
        if places.count == 2 { try setFile(places[1]) }
    }

    /// Takes one option.
    private mutating func read(_ option: Option) throws {
        if try generation.read(option) { return }
        switch option.name {
        case "--help", "-h": showsHelp = try option.flag()
        case "--version": showsVersion = try option.flag()
        case "--pairs": hasPairs = try option.flag()
        case "--prompt": prompts.append(try option.value())
        case "--output": output = try Self.checkedOutput(option.value())
        case "--bfloat16": usesBFloat16 = try option.flag()
        case "--max-length": maxLength = try option.number(3...1_000_000)
        case "--threads": threads = Int32(try option.number(ComputeThreads.allowed))
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
            // Which command reads them depends on the model.
            let command = LanguageModel.isLanguageModel(model) ? "distill generate --data" : "distill predict"
            throw UsageError(
                "\(file): distill-run reads plain text, a text a line, and no \(kind.dropFirst()) files; use `\(command)`, or "
                    + "give the texts alone")
        }
    }
}

/// A command line that cannot be understood.
struct UsageError: Error, Equatable, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
