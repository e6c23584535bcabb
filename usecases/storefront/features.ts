import { count, sum, timeSinceLast } from 'tidemark';
import { contact, order, payment, usage } from './events.ts';

const window = '28d';

/** What each source says of a customer, and what only all of them together can say. */
export const features = {
  billing_28d: count({ of: payment, where: payment.channel.eq('billing'), window }),
  invoices_28d: count({ of: payment, where: payment.channel.eq('invoices'), window }),
  subscriptions_28d: count({ of: payment, where: payment.channel.eq('subscriptions'), window }),
  shop_28d: count({ of: order, where: order.channel.eq('shop'), window }),
  orders_db_28d: count({ of: order, where: order.channel.eq('orders_db'), window }),
  marketplace_28d: count({ of: order, where: order.channel.eq('marketplace'), window }),
  crm_28d: count({ of: contact, where: contact.channel.eq('crm'), window }),
  crm_messages_28d: count({ of: contact, where: contact.channel.eq('crm_messages'), window }),
  social_28d: count({ of: contact, where: contact.channel.eq('social'), window }),
  site_28d: count({ of: contact, where: contact.channel.eq('site'), window }),
  profiles_28d: count({ of: contact, where: contact.channel.eq('profiles'), window }),
  app_logs_28d: count({ of: usage, where: usage.channel.eq('app_logs'), window }),
  service_logs_28d: count({ of: usage, where: usage.channel.eq('service_logs'), window }),
  access_logs_28d: count({ of: usage, where: usage.channel.eq('access_logs'), window }),
  devices_28d: count({ of: usage, where: usage.channel.eq('devices'), window }),
  own_producer_28d: count({ of: usage, where: usage.channel.eq('own_producer'), window }),
  paid_28d: sum({ of: payment.amount, window, description: 'Paid in four weeks, in minor units' }),
  ordered_28d: sum({ of: order.total, window, description: 'Ordered in four weeks, in minor units' }),
  units_28d: sum({ of: usage.units, window }),
  silence: timeSinceLast({ of: contact, window: 'lifetime', description: 'Since the customer was last heard of' }),
};
