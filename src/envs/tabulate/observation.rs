//! Which members of a state its observation reads, as far as the text says so plainly.

use std::collections::BTreeSet;

use naga::proc::Layouter;
use naga::{Block, Expression, Function, Handle, Statement, TypeInner};

use super::proof::Program;

impl Program {
    /// Whether `observe` does not read the hidden words of a state.
    pub fn observation_ignores(&self, hidden: &[bool]) -> bool {
        let TypeInner::Struct { members, .. } = &self.module.types[self.state].inner else { return false };
        let Some(read) = self.members_read() else { return false };
        let mut layouter = Layouter::default();
        if layouter.update(self.module.to_ctx()).is_err() {
            return false;
        }
        members.iter().enumerate().filter(|(index, _)| read.contains(&(*index as u32))).all(|(_, member)| {
            let first = member.offset as usize / 4;
            let words = (layouter[member.ty].size as usize).div_ceil(4);
            (first..first + words).all(|word| hidden.get(word) != Some(&true))
        })
    }

    /// Members of a state that its observation reads, if the text says so plainly.
    fn members_read(&self) -> Option<BTreeSet<u32>> {
        let observes = |f: &Function| matches!(f.name.as_deref(), Some("observe" | "observe_at"));
        let (_, observe) = self.module.functions.iter().find(|(_, f)| observes(f))?;
        let argument = observe.arguments.iter().position(|argument| argument.ty == self.state)?;
        let mut read = BTreeSet::new();
        self.reads(observe, argument, &mut read).then_some(read)
    }

    /// Collects the members of a function's argument that it reads; false if it is used in another way.
    fn reads(&self, function: &Function, argument: usize, read: &mut BTreeSet<u32>) -> bool {
        let this = |handle: &Handle<Expression>| matches!(&function.expressions[*handle], Expression::FunctionArgument(index) if *index as usize == argument);
        let mut uses = 0;
        for (_, expression) in function.expressions.iter() {
            match expression {
                Expression::AccessIndex { base, index } if this(base) => {
                    read.insert(*index);
                }
                Expression::Access { base, .. } | Expression::Load { pointer: base } => {
                    uses += usize::from(this(base))
                }
                Expression::Compose { components, .. } => {
                    uses += components.iter().filter(|part| this(part)).count()
                }
                Expression::Select { accept, reject, .. } => {
                    uses += usize::from(this(accept)) + usize::from(this(reject));
                }
                _ => {}
            }
        }
        uses == 0 && self.passes(&function.body, &this, read)
    }

    /// The same for statements: the argument may be handed on, and nothing else.
    fn passes(
        &self,
        block: &Block,
        this: &dyn Fn(&Handle<Expression>) -> bool,
        read: &mut BTreeSet<u32>,
    ) -> bool {
        block.iter().all(|statement| match statement {
            Statement::Block(inner) => self.passes(inner, this, read),
            Statement::If { accept, reject, .. } => {
                self.passes(accept, this, read) && self.passes(reject, this, read)
            }
            Statement::Switch { cases, .. } => cases.iter().all(|case| self.passes(&case.body, this, read)),
            Statement::Loop { body, continuing, .. } => {
                self.passes(body, this, read) && self.passes(continuing, this, read)
            }
            Statement::Store { value, .. } => !this(value),
            Statement::Return { value } => !value.as_ref().is_some_and(this),
            Statement::Call { function: called, arguments, .. } => arguments
                .iter()
                .enumerate()
                .filter(|(_, argument)| this(argument))
                .all(|(index, _)| self.reads(&self.module.functions[*called], index, read)),
            _ => true,
        })
    }
}
