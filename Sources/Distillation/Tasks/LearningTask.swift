import Datasets
import Reports
import Transformers

/// A task: the only place that knows what its labels, losses, metrics, predictions and tables are.
///
/// A new task is a folder with a value of this kind, an entry in `TaskIdentifier.definition`, and a head in
/// `Transformers`; `docs/adding-a-task.md` walks through one.
protocol LearningTask: Sendable {
    var identifier: TaskIdentifier { get }
    /// The kind of a row of the model's outputs.
    var outputs: OutputKind { get }

    // MARK: Labels and losses

    /// True if each word of a text has a label and an output.
    var labelsWords: Bool { get }
    /// True if tokens are predicted, which are their own labels: a row is a token that is trained.
    var predictsTokens: Bool { get }
    /// True if each text gets a vector, with which other texts' are compared: two texts of a row are two examples, and a label tells
    /// how alike they are.
    var embedsTexts: Bool { get }
    /// True if an example is a query with a document, and a query's documents are compared with one another.
    var ranksDocuments: Bool { get }
    /// The beginning of the line that counts the classes of the training data.
    var countTitle: String { get }
    /// The form of labels in data files.
    var labelForm: DatasetOptions.LabelForm { get }
    /// The classes where data do not name any: of a model with one output.
    var fixedClassNames: [String]? { get }
    /// The objective between a student's and a teacher's logits.
    var softObjective: String { get }
    /// The objective between logits and labels.
    var labelObjective: String { get }
    /// The labels of some rows of a data file.
    ///
    /// - Throws: `DatasetError`, which names file and line.
    func targets(of rows: [TextRow], from stream: TextStream, _ map: LabelMap) throws -> Targets

    // MARK: Metrics

    /// The metrics that can be computed where there are labels.
    var labelMetrics: [MetricName] { get }
    /// The metrics that are computed on data of a kind of their own, such as translations.
    var furtherMetrics: [MetricName] { get }
    /// The metrics that can be computed where there is a teacher.
    var teacherMetrics: [MetricName] { get }
    /// The metric by which models of this task are compared.
    var primaryMetric: MetricName { get }
    /// The metrics by which a student is compared with the same student trained without its teacher, and seeds are summarized:
    /// the one that decides first.
    var comparedMetrics: [MetricName] { get }
    /// The metric that chooses the best checkpoint where none is named.
    var metricForBest: MetricName { get }
    /// The same where there is a teacher.
    var metricForBestWithTeacher: MetricName { get }
    /// The metrics that tables show, the most informative first.
    var shownMetrics: [MetricName] { get }
    /// A metric's name in tables where it differs from the usual one.
    func title(of metric: MetricName) -> String?
    /// ``labelMetrics`` of rows that all have a label.
    func metrics(_ logits: Logits, _ targets: Targets) throws -> MetricValues
    /// What is measured of all rows, without labels and without a teacher.
    func unlabeledMetrics(_ logits: Logits, _ targets: Targets) throws -> MetricValues
    /// ``primaryMetric`` alone, quick enough for many resamples, of rows that all have a label.
    func primaryValue(_ logits: Logits, _ targets: Targets) -> Double
    /// The score of each row where the primary metric is their mean; `nil` where it is none.
    func rowScores(_ logits: Logits, _ targets: Targets) -> [Double]?
    /// The counts of each example whose sums the primary metric is the F1 of; `nil` where it is no F1 of sums.
    func exampleCounts(_ logits: Logits, _ targets: Targets) -> [F1Counts]?
    /// A metric by what each example adds to it, where it is a mean over all rows or a function of one; `nil` where it is none.
    func exampleMeans(of metric: MetricName, _ logits: Logits, _ targets: Targets) -> ExampleMeans?
    /// Returns the number of labels that the primary metric is a fraction of, for rows that all have one.
    func countedExamples(_ targets: Targets) -> Int
    /// Returns the table's values by class, for rows that all have a label.
    func byClass(_ logits: Logits, _ targets: Targets, _ names: [String]) -> ClassEvaluation
    /// ``teacherMetrics`` of a student beside its teacher.
    func compare(student: Logits, teacher: Logits, _ targets: Targets) throws -> MetricValues
    /// Counts a batch of training.
    func add(_ targets: Targets, student: Logits, teacher: Logits?, to statistics: inout TrainingStatistics)
    /// Compares a teacher with a constant baseline, on rows that all have a label.
    func assess(_ logits: Logits, _ targets: Targets) -> TeacherAssessment

    // MARK: Predictions

    /// The predictions for some texts.
    func predictions(_ logits: Logits, _ labels: [String], threshold: Double) throws -> [Prediction]
    /// The analysis of single predictions for the page; `nil` where it shows none.
    var analysis: (any PredictionComparison)? { get }

    // MARK: Model cards

    var card: TaskCard { get }
}

extension LearningTask {
    var fixedClassNames: [String]? { nil }
    var labelsWords: Bool { false }
    var predictsTokens: Bool { false }
    var embedsTexts: Bool { false }
    var ranksDocuments: Bool { false }
    /// True if examples are of use without labels, for evaluation too.
    var needsNoLabels: Bool { predictsTokens || embedsTexts || ranksDocuments }
    var countTitle: String { "Training texts by class" }
    var furtherMetrics: [MetricName] { [] }
    func unlabeledMetrics(_ logits: Logits, _ targets: Targets) throws -> MetricValues { MetricValues() }
    var teacherMetrics: [MetricName] { outputs.teacherMetrics }
    var comparedMetrics: [MetricName] { [primaryMetric] }
    var metricForBest: MetricName { primaryMetric }
    var metricForBestWithTeacher: MetricName { metricForBest }
    /// True if its labels are classes with names.
    var hasClasses: Bool { outputs == .softmax || outputs == .sigmoid }
    /// True if a text has one row of scores by class, which a file may hold.
    var takesScores: Bool { hasClasses && !labelsWords && !predictsTokens }
    func title(of metric: MetricName) -> String? { nil }
    func rowScores(_ logits: Logits, _ targets: Targets) -> [Double]? { nil }
    func exampleCounts(_ logits: Logits, _ targets: Targets) -> [F1Counts]? { nil }
    func exampleMeans(of metric: MetricName, _ logits: Logits, _ targets: Targets) -> ExampleMeans? { nil }
    func countedExamples(_ targets: Targets) -> Int { targets.count }

    func compare(student: Logits, teacher: Logits, _ targets: Targets) throws -> MetricValues {
        try outputs.compare(student: student, teacher: teacher)
    }
}

/// The counts that an F1 is computed from.
struct F1Counts: Sendable, Equatable {
    var found = 0
    var predicted = 0
    var actual = 0

    static func += (sum: inout F1Counts, other: F1Counts) {
        sum.found += other.found
        sum.predicted += other.predicted
        sum.actual += other.actual
    }

    /// 0 where nothing is predicted and nothing is labeled.
    var f1: Double { predicted + actual == 0 ? 0 : 2 * Double(found) / Double(predicted + actual) }
}

/// The values that tables show by class.
struct ClassEvaluation {
    /// By class or, for entities, by type.
    var f1: [LabelScore]?
    /// Rows: true classes; columns: predicted ones.
    var confusion: [[Int]]?
}

/// The analysis of a task's single predictions that the page shows. Rows are examples.
protocol PredictionComparison: Sendable {
    /// True if examples are shown; their rows are examples.
    var showsExamples: Bool { get }
    /// The predictions of some rows by confidence; `nil` where a task has no confidence.
    func calibration(_ logits: Logits, _ targets: Targets, _ rows: [Int]) -> CalibrationHistogram?
    /// Returns true if a prediction is right; `nil` where none is right or wrong.
    func isRight(_ logits: Logits, _ row: Int, _ targets: Targets) -> Bool?
    /// Returns the confidence of all models in a wrong prediction, or the error of the nearest one; `nil` where one is right.
    func wrongness(_ models: [Logits], _ row: Int, _ targets: Targets) -> Double?
    /// The names of a row's label.
    func labels(_ row: Int, _ targets: Targets, _ names: [String]) -> [String]
    func prediction(_ logits: Logits, _ row: Int, _ names: [String]) -> PredictionAnalysis.Answer
}

extension PredictionComparison {
    var showsExamples: Bool { true }
}

/// The parts of a model card that depend on the task.
struct TaskCard: Sendable {
    /// The Hub's pipeline tag, and its title.
    let pipeline: String
    let pipelineTitle: String
    /// The Hub's name of the library that opens the model.
    var library = "transformers"
    /// The class that opens the model in transformers.
    let autoModel: String
    /// The metrics of the card's table.
    let table: [MetricName]
    /// The Hub's names of metrics.
    let identifiers: [String]
    /// The metrics of the model index with the Hub's names.
    let index: [(metric: MetricName, identifier: String)]
    /// The first sentence.
    ///
    /// - Parameters of the closure: the model's shape in words, how it was made, and the classes as a list.
    let summary: @Sendable (_ shape: String, _ made: String, _ classes: String) -> String
}

extension TaskIdentifier {
    /// The definition of the task.
    var definition: any LearningTask {
        switch self {
        case .singleLabel: SingleLabelTask()
        case .multiLabel: MultiLabelTask()
        case .regression: RegressionTask()
        case .tokenClassification: TokenClassificationTask()
        case .causalLanguageModel: LanguageModelTask()
        case .embedding: EmbeddingTask()
        case .ranking: RankingTask()
        }
    }
}

extension TaskIdentifier {
    /// The name of what has a label and an output.
    public var rowName: String {
        definition.labelsWords
            ? "words"
            : definition.predictsTokens
                ? "tokens"
                : definition.embedsTexts ? "texts" : definition.ranksDocuments ? "pairs" : "examples"
    }

    /// The name of what a data file's record counts.
    public var exampleName: String {
        definition.predictsTokens || definition.embedsTexts
            ? "texts" : definition.ranksDocuments ? "pairs" : "examples"
    }

    /// The metrics that tables show, the most informative first.
    public var shownMetrics: [MetricName] { definition.shownMetrics }
}

extension TaskIdentifier {
    /// What a row of its models' outputs is.
    package var outputs: OutputKind { definition.outputs }
    /// Whether it labels words.
    package var labelsWords: Bool { definition.labelsWords }
    /// Whether it predicts a text's tokens.
    package var predictsTokens: Bool { definition.predictsTokens }
    /// Whether each text gets a vector.
    package var embedsTexts: Bool { definition.embedsTexts }
    /// Whether it scores queries with documents.
    package var ranksDocuments: Bool { definition.ranksDocuments }

    /// The task's own metric.
    package func primaryValue(_ logits: Logits, _ targets: Targets) -> Double {
        definition.primaryValue(logits, targets)
    }

    /// How many examples, or entities, the metric counts.
    package func countedExamples(_ targets: Targets) -> Int { definition.countedExamples(targets) }
}
