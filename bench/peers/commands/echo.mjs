/** A module of Dobby's that answers what it was asked. */

export default { run: (args) => args };
