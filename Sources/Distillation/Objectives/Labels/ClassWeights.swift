import Torch

/// Factors for the classes' losses, as an option gives them.
enum ClassWeights: Equatable {
    case none
    /// By the classes' numbers of training examples.
    case balanced
    case given([Double])

    static let option = ObjectiveOption(
        "class_weights", default: "none",
        "none, balanced (N / (C · count) as scikit-learn), or a number per class as [1, 2.5]")
    static let positiveOption = ObjectiveOption(
        "pos_weight", default: "none",
        "factor of the classes that an example has: none, balanced (others / count), or a number per class")

    /// Reads an option.
    init(_ options: ObjectiveOptions, _ name: String) throws {
        let text = try options.text(name)
        switch text {
        case "none": self = .none
        case "balanced": self = .balanced
        default:
            let numbers = ObjectiveOptions.list(text).map { Double($0) ?? -1 }
            guard !numbers.isEmpty, numbers.allSatisfy({ $0 >= 0 && $0.isFinite }) else {
                throw options.wrong(
                    name, "must be none, balanced or numbers of at least 0 such as [1, 2.5]", text)
            }
            self = .given(numbers)
        }
    }

    /// (C) factors for two models' classes; `nil` for none. A class that never occurs has 1.
    ///
    /// - Throws: ``DistillationError`` where there is not one number for each class.
    func tensor(
        _ models: ObjectiveModels, objective: String, option: String,
        balanced: (_ count: Double) -> Double
    ) throws -> Tensor? {
        let classes = models.student.labelNames.count
        let numbers: [Double]
        switch self {
        case .none: return nil
        case .balanced:
            guard models.classCounts.count == classes else {
                throw DistillationError(
                    "objective \(objective): \(option) = balanced needs the number of examples of each of the "
                        + "\(classes) classes, but there are \(models.classCounts.count); give numbers instead"
                )
            }
            numbers = models.classCounts.map { $0 > 0 ? balanced(Double($0)) : 1 }
        case .given(let given):
            guard given.count == classes else {
                throw DistillationError(
                    "objective \(objective): \(option) has \(given.count) numbers for \(classes) classes; give one "
                        + "for each, in the order of the class numbers")
            }
            numbers = given
        }
        return try Tensor(numbers.map { Float($0) }, device: models.learned.device)
    }

    /// The factors of `class_weights`: balanced is N / (C · count), with N labels in all.
    func classWeights(_ models: ObjectiveModels, objective: String) throws -> Tensor? {
        let total = Double(models.classCounts.reduce(0, +))
        let classes = Double(models.student.labelNames.count)
        return try tensor(models, objective: objective, option: "class_weights") { total / (classes * $0) }
    }

    /// The factors of `pos_weight`: balanced is the number of examples without the class for each one with it.
    func positiveWeights(_ models: ObjectiveModels, objective: String) throws -> Tensor? {
        let total = Double(models.exampleCount)
        return try tensor(models, objective: objective, option: "pos_weight") { max(0, total - $0) / $0 }
    }
}
