import Distillation
import Files
import Foundation
import Transformers

/// The input of ``TuningRun``: a search for the best settings of a distillation.
public struct TuningRequest: Sendable {
    /// The settings of every trial's run, except those that are searched.
    public var settings: Settings
    /// The settings that are searched, and their values.
    public var space: SearchSpace
    /// The strategy of the search.
    public var strategy = SearchStrategy.grid
    /// Folds of the cross-validation; 1 evaluates on the validation data alone.
    public var folds = 3
    /// The metric that is optimized; `nil` for the metric of the teacher's task.
    public var metric: TuningMetric?
    /// The settings along the heat map's axes, one or two; `nil` for those with the most values.
    public var axes: [String]?
    /// True if a student is trained on all of the data with the best settings at the end.
    public var refit = true
    /// The directory for the results and, in `model`, that student.
    public var output: URL
    /// True to start anew where it holds another search.
    public var overwrite = false
    /// The locator of the models and data that the settings name.
    public var locator: ResourceLocator

    /// Creates a grid search with three folds.
    ///
    /// - Parameters:
    ///   - settings: The settings of every trial's run, except those that are searched; their `seed`, 42 by default, also
    ///     decides folds and random combinations.
    ///   - space: The settings that are searched, and their values.
    ///   - output: The directory for the results.
    ///   - locator: The locator of the models and data that the settings name.
    public init(settings: Settings, space: SearchSpace, output: URL, locator: ResourceLocator = .local) {
        self.settings = settings
        self.space = space
        self.output = output
        self.locator = locator
    }

    /// Creates a search from its settings, named as in a configuration file of `distill tune`: those of the runs, those of the
    /// search, and the searched values under `search`.
    ///
    /// - Parameters:
    ///   - settings: The settings.
    ///   - searching: Dimensions that replace, or add to, those under `search`.
    ///   - output: The directory for the results.
    ///   - locator: The locator of the models and data that the settings name.
    /// - Throws: `SettingsError` for a setting with a wrong value, `DistillationError` for an invalid search.
    public init(
        _ settings: Settings, searching: [SearchDimension] = [], output: URL,
        locator: ResourceLocator = .local
    ) throws {
        let reader = SettingsReader(settings, locator: locator)
        _ = try reader.value("seed", as: UInt64.self)
        if let node = reader.node("student"), node.text == StaticStudentRequest.studentName {
            throw reader.error(
                at: node,
                "student: a static student is made by `distill run` alone; name a model's directory, "
                    + "./\(StaticStudentRequest.studentName) if that is its name")
        }
        let direction = try reader.value("direction", as: MetricDirection.self)
        let name = try reader.value("metric", as: String.self)
        let folds = try reader.value("folds", as: Int.self)
        let strategy = try SearchStrategy(reader)
        let axes = try reader.value("axes", as: String.self).map { text in
            text.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
        }
        let refit = try reader.value("refit", as: Bool.self)
        let space: SearchSpace
        do { space = try SearchSpace(reader, options: searching) } catch {
            // What is searched may be there under a wrong name.
            try settings.refuse(allBut: reader.known + Self.ownNames + DistillRequest.settingNames)
            throw error
        }
        self.init(
            settings: settings.removing(Self.ownNames), space: space, output: output, locator: locator)
        self.folds = folds ?? self.folds
        self.strategy = strategy
        if name != nil || direction != nil {
            metric = TuningMetric(name ?? taskMetric, direction: direction)
        }
        self.axes = axes
        self.refit = refit ?? self.refit
    }

    /// The names of the search's own settings; the others in a file are those of the runs.
    package static let ownNames = [
        "search", "strategy", "trials", "folds", "metric", "direction", "eta", "min_budget", "refit", "axes",
    ]
    /// The names of settings that a trial must not change: the search itself decides where a run writes.
    static let fixedNames = ownNames + ["output", "overwrite", "logging_dir", "config"]

    /// The driver of the search: its trials, folds and metric.
    var driver: TuningDriver {
        get throws {
            if let fixed = space.names.first(where: Self.fixedNames.contains) {
                throw DistillationError("search: \(fixed): this setting is not one that a trial can change")
            }
            if let axes {
                for name in axes where !space.names.contains(name) {
                    throw DistillationError(
                        "axes: '\(name)' is not searched; choose from \(space.names.joined(separator: ", "))")
                }
            }
            let seed = try SettingsReader(settings).value("seed", as: UInt64.self) ?? 42
            return try TuningDriver(
                plan: SearchPlan(space: space, strategy: strategy, seed: seed), folds: folds,
                metric: metric ?? TuningMetric(taskMetric))
        }
    }

    /// The metric of the teacher's task; accuracy where the settings name no teacher that can be read, which ends the search
    /// later.
    private var taskMetric: String {
        let teachers = try? TeacherRequest.all(SettingsReader(settings, locator: locator)).models
        let task = (teachers?.first?.directory).flatMap { try? TaskIdentifier(ofModel: $0) }
        return MetricName.defaultForBest(task ?? .singleLabel, hasTeacher: true).rawValue
    }
}
