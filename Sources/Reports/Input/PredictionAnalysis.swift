/// An analysis of a model's predictions on labeled examples beyond averages, with a teacher's beside them if there is
/// one: `analysis.json`.
public struct PredictionAnalysis: Sendable, Equatable, Codable {
    /// The path of the data file.
    public var data: String
    /// The problem type, by its name in `config.json`.
    public var problemType: String
    /// The number of examples that were analyzed.
    public var examples: Int
    /// Calibration by confidence; `nil` for regression.
    public var studentCalibration: [CalibrationBin]?
    public var teacherCalibration: [CalibrationBin]?
    /// The number of examples that each model predicts correctly; `nil` without a teacher and for regression.
    public var outcomes: Outcomes?
    /// The examples on which teacher and student differ most, the largest difference first; `nil` without a teacher, or
    /// if texts are to be left out.
    public var differMost: [Example]?
    /// The examples that both predict wrongly and with confidence, the most confident first; without a teacher, those
    /// that the model does. For regression, those on which both are farthest off. `nil` if texts are to be left out.
    public var bothWrong: [Example]?
    /// A language model's answers to some prompts; `nil` for other models, or if texts are to be left out.
    public var samples: [Sample]?

    public init(data: String, problemType: String, examples: Int) {
        self.data = data
        self.problemType = problemType
        self.examples = examples
    }

    /// True if all counts are small enough to be added.
    var hasPossibleCounts: Bool {
        let bins = (studentCalibration ?? []) + (teacherCalibration ?? [])
        let outcomes = outcomes.map {
            [$0.bothRight, $0.onlyTeacherRight, $0.onlyStudentRight, $0.bothWrong]
        }
        return (bins.map(\.count) + (outcomes ?? []) + [examples]).allSatisfy { (0...1 << 40).contains($0) }
    }

    /// The numbers of examples by the models that predict them correctly.
    public struct Outcomes: Sendable, Equatable, Codable {
        public var bothRight: Int
        public var onlyTeacherRight: Int
        public var onlyStudentRight: Int
        public var bothWrong: Int

        public init(
            bothRight: Int = 0, onlyTeacherRight: Int = 0, onlyStudentRight: Int = 0, bothWrong: Int = 0
        ) {
            self.bothRight = bothRight
            self.onlyTeacherRight = onlyTeacherRight
            self.onlyStudentRight = onlyStudentRight
            self.bothWrong = bothWrong
        }
    }

    /// A prompt of the evaluation data with the models' greedy answers.
    public struct Sample: Sendable, Equatable, Codable {
        /// The text before the answer; a long one's end.
        public var prompt: String
        /// The answer in the data.
        public var reference: String
        public var student: String
        /// `nil` without a teacher.
        public var teacher: String?
        /// Of the same student trained without the teacher; `nil` where there is none.
        public var baseline: String?

        public init(
            prompt: String, reference: String, student: String, teacher: String? = nil,
            baseline: String? = nil
        ) {
            self.prompt = prompt
            self.reference = reference
            self.student = student
            self.teacher = teacher
            self.baseline = baseline
        }
    }

    /// One example with both predictions.
    public struct Example: Sendable, Equatable, Codable {
        /// Its index among the file's rows, from 1.
        public var row: Int
        /// `nil` where the file could not be read again.
        public var text: String?
        public var pair: String?
        /// The true labels: one class, any number of them, or a number.
        public var labels: [String]
        public var student: Answer
        public var teacher: Answer?
        /// KL(teacher ‖ student) at temperature 1; for regression the absolute difference.
        public var difference: Double?

        public init(row: Int, labels: [String], student: Answer, teacher: Answer?, difference: Double?) {
            self.row = row
            self.labels = labels
            self.student = student
            self.teacher = teacher
            self.difference = difference
        }
    }

    /// A model's prediction for an example.
    public struct Answer: Sendable, Equatable, Codable {
        /// The predicted classes: one, or any number of them; empty for regression.
        public var labels: [String]
        /// Probabilities of the classes worth naming, the largest first; `nil` for regression.
        public var probabilities: [Probability]?
        /// For regression.
        public var value: Double?

        public init(labels: [String], probabilities: [Probability]? = nil, value: Double? = nil) {
            self.labels = labels
            self.probabilities = probabilities
            self.value = value
        }
    }

    public struct Probability: Sendable, Equatable, Codable {
        public var label: String
        public var value: Double

        public init(label: String, value: Double) {
            self.label = label
            self.value = value
        }
    }
}

/// The predictions of about equal confidence.
public struct CalibrationBin: Sendable, Equatable, Codable {
    /// The bounds of the confidences; the upper one belongs to the bin.
    public var lower: Double
    public var upper: Double
    /// The number of predictions.
    public var count: Int
    /// The mean confidence; the middle of the bin if it has no predictions.
    public var confidence: Double
    /// The accuracy: the fraction of correct predictions; 0 if there are none.
    public var accuracy: Double

    public init(lower: Double, upper: Double, count: Int, confidence: Double, accuracy: Double) {
        self.lower = lower
        self.upper = upper
        self.count = count
        self.confidence = confidence
        self.accuracy = accuracy
    }

    /// The expected calibration error: the mean absolute difference of confidence and accuracy, weighted by
    /// predictions; `nil` without predictions.
    public static func expectedError(_ bins: [CalibrationBin]) -> Double? {
        let total = bins.reduce(0) { $0 + $1.count }
        guard total > 0 else { return nil }
        return bins.reduce(0) { $0 + Double($1.count) * abs($1.accuracy - $1.confidence) } / Double(total)
    }
}
