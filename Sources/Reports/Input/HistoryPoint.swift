import JSON

/// The statistics of training at a log step: a line of `history.jsonl`. Values are means over the steps since the
/// previous point.
public struct HistoryPoint: Sendable, Equatable {
    public var step: Int
    /// With fraction.
    public var epoch: Double
    /// `nil` in a run of one stage.
    public var stage: String?
    /// The minimized loss: the weighted sum of the terms.
    public var loss: Double
    /// Each objective's loss before its weight, in order.
    public var terms: [(name: String, value: Double)]
    /// Metrics on training examples, by their names.
    public var metrics: [(name: String, value: Double)]
    public var learningRate: Double
    public var gradNorm: Double
    public var examplesPerSecond: Double

    public init(
        step: Int, epoch: Double, stage: String?, loss: Double, terms: [(name: String, value: Double)],
        metrics: [(name: String, value: Double)], learningRate: Double, gradNorm: Double,
        examplesPerSecond: Double
    ) {
        self.step = step
        self.epoch = epoch
        self.stage = stage
        self.loss = loss
        self.terms = terms
        self.metrics = metrics
        self.learningRate = learningRate
        self.gradNorm = gradNorm
        self.examplesPerSecond = examplesPerSecond
    }

    public static func == (a: HistoryPoint, b: HistoryPoint) -> Bool { a.json == b.json }

    /// A metric on training examples; `nil` where it was not computed.
    public func metric(_ name: String) -> Double? { metrics.first { $0.name == name }?.value }

    /// The point as a line of `history.jsonl`; numbers that JSON does not have are null.
    public var line: String { json.serialized() }

    private var json: JSONValue {
        func number(_ value: Double) -> JSONValue { value.isFinite ? .number(value) : .null }
        func object(_ values: [(name: String, value: Double)]) -> JSONValue {
            .object(JSONObject(values.map { ($0.name, number($0.value)) }))
        }
        return [
            "step": .integer(step), "epoch": number(epoch), "stage": stage.map(JSONValue.string) ?? .null,
            "loss": number(loss), "terms": object(terms), "metrics": object(metrics),
            "learning_rate": number(learningRate), "grad_norm": number(gradNorm),
            "examples_per_second": number(examplesPerSecond),
        ]
    }

    /// Reads a line; `nil` where it has no step.
    init?(_ value: JSONValue) {
        guard let object = value.objectValue, let step = object["step"]?.intValue else { return nil }
        func number(_ name: String) -> Double { object[name]?.doubleValue ?? .nan }
        func values(_ name: String) -> [(name: String, value: Double)] {
            object[name]?.objectValue.map { $0.map { ($0.key, $0.value.doubleValue ?? .nan) } } ?? []
        }
        self.init(
            step: step, epoch: number("epoch"), stage: object["stage"]?.stringValue, loss: number("loss"),
            terms: values("terms"), metrics: values("metrics"), learningRate: number("learning_rate"),
            gradNorm: number("grad_norm"), examplesPerSecond: number("examples_per_second"))
    }
}
