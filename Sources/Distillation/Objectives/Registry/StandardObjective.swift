/// An objective of this package, made from its options.
protocol StandardObjective: Objective, SendableMetatype {
    static var options: [ObjectiveOption] { get }
    init(_ specification: ObjectiveSpecification) throws
}
